"""A VoXML application: a sum keeps robots out, a menu offers the weather by ZIP code, a message, and a person.

It needs Python alone. What the caller keyed comes back in `Vars`, a JSON object as a string; one document leads to the next by
`Redirect`. Run it with `python app.py --port 5000`; README.md says how to call it without a phone.
"""

import argparse
import contextlib
import json
import random
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit
from xml.sax.saxutils import escape, quoteattr

WEATHER = {
    "68102": ("Omaha", "sunny, 75 degrees"),
    "10001": ("New York", "rain, 61 degrees"),
    "58102": ("Fargo", "snow, 19 degrees"),
}
AGENT = "+13005550100"
TRIES = 3


def say(text):
    return f"<Say>{escape(text)}</Say>"


def gather(output, digits, text):
    return f'<Gather output={quoteattr(output)} numDigits="{digits}" timeout="6">{say(text)}</Gather>'


def redirect(path):
    return f"<Redirect>{escape(path)}</Redirect>"


class Application:
    """One method a page: the call's variables in, the verbs of the next document out."""

    def __init__(self, rng):
        self.rng = rng
        self.pages = {
            "/voice": self.voice,
            "/captcha": self.captcha,
            "/menu": self.menu,
            "/choice": self.choice,
            "/weather": self.weather,
            "/message": self.message,
        }

    def voice(self, variables):
        a, b = self.rng.randint(1, 4), self.rng.randint(1, 5)
        wrong = '${_captcha.digits}=="" || ${_captcha.digits}!=${captchaAnswer}'
        return (
            "<Answer/>"
            f'<Set output="captchaAnswer">{a + b}</Set>'
            f'<Do expression={quoteattr(wrong)} maxLoops="{TRIES}">'
            f"<If expression=\"${{do.n}}!='0'\">{say('That is not it.')}</If>"
            f"{gather('_captcha', 1, f'To show that you are human: how much is {a} plus {b}?')}"
            "</Do>"
            f"{redirect('/captcha')}"
        )

    def captcha(self, variables):
        if variables.get("_captcha", {}).get("digits") != variables.get("captchaAnswer"):
            return f"{say('You may be human, but we cannot be sure. Goodbye.')}<Hangup/>"
        return f'<Unset output="captchaAnswer"/>{say("Thank you.")}{redirect("/menu")}'

    def menu(self, variables):
        text = "For the weather press 1, to leave a message press 2, to talk to somebody press 3."
        return f"{gather('_menu', 1, text)}{redirect('/choice')}"

    def choice(self, variables):
        choice = variables.get("_menu", {}).get("digits")
        if choice == "1":
            return f"{gather('_zip', 5, 'Please enter your five digit ZIP code.')}{redirect('/weather')}"
        if choice == "2":
            return f'{say("Please speak after the tone.")}<Record action="/message" maxLength="60" finishOnKey="#"/>'
        if choice == "3":
            sorry = "<If expression=\"${_transfer.status}!='completed'\">" + say("Nobody is free at the moment.") + "</If>"
            return f'<Dial output="_transfer" timeout="20">{AGENT}</Dial>{sorry}{redirect("/menu")}'
        return f"{say('Goodbye.')}<Hangup/>"

    def weather(self, variables):
        place = WEATHER.get(variables.get("_zip", {}).get("digits"))
        told = f"The weather in {place[0]}: {place[1]}." if place else "We know no weather for that ZIP code."
        return say(told) + redirect("/menu")

    def message(self, variables):
        return f"{say('Thank you. Your message has been kept.')}{redirect('/menu')}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        page = self.server.application.pages.get(urlsplit(self.path).path)
        if page is None:
            self.send_error(404)
            return
        document = f'<?xml version="1.0" encoding="UTF-8"?>\n<Response>{page(json.loads(form.get("Vars", ["{}"])[0]))}</Response>\n'
        body = document.encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def make_server(port, seed=None):
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    server.application = Application(random.Random(seed))
    return server


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=5000)
    parser.add_argument("--seed", type=int, help="ask the same sums each time: for tests")
    told = parser.parse_args()
    server = make_server(told.port, told.seed)
    print(f"http://127.0.0.1:{server.server_port}/voice", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()
