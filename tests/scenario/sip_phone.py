"""A phone that is a program: pjsua2, which registers, answers, and does what its standard input says. A process of its own, since
pjsua2 is GPL and aborts when Python frees its objects in another thread.

    python sip_phone.py HOST:PORT USER PASSWORD ADDRESS udp|tcp
"""

import gc
import os
import select
import sys

import pjsua2 as pj

gc.disable()


class Call(pj.Call):
    """Says what it sees."""

    def onCallState(self, prm):
        info = self.getInfo()
        if info.state == pj.PJSIP_INV_STATE_CONFIRMED:
            say("talks")
        elif info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            say(f"over {info.lastStatusCode}")

    def onCallMediaState(self, prm):
        say("media")


class Account(pj.Account):
    """Answers who calls."""

    def onRegState(self, prm):
        say(f"registered {prm.code}")

    def onIncomingCall(self, prm):
        call = Call(self, prm.callId)
        calls.append(call)
        for code in (180, 200):
            answer = pj.CallOpParam()
            answer.statusCode = code
            call.answer(answer)


calls = []


def say(word):
    print(word, flush=True)


def endpoint(address, transport):
    """The library, without threads or sound."""
    made = pj.Endpoint()
    made.libCreate()
    config = pj.EpConfig()
    config.uaConfig.threadCnt = 0
    config.uaConfig.mainThreadOnly = True
    config.logConfig.level = config.logConfig.consoleLevel = 0
    made.libInit(config)
    bound = pj.TransportConfig()
    bound.boundAddress = address
    made.transportCreate(pj.PJSIP_TRANSPORT_TCP if transport == "tcp" else pj.PJSIP_TRANSPORT_UDP, bound)
    made.libStart()
    made.audDevManager().setNullDev()
    return made


def account_of(server, user, password, address, transport):
    """One that registers."""
    config = pj.AccountConfig()
    by = ";transport=tcp" if transport == "tcp" else ""
    config.idUri = f"sip:{user}@{server}"
    config.regConfig.registrarUri = f"sip:{server}{by}"
    config.sipConfig.authCreds.append(pj.AuthCredInfo("digest", "*", user, 0, password))
    config.mediaConfig.transportConfig.boundAddress = address
    account = Account()
    account.create(config)
    return account


def obey(order, account, server, transport):
    """One order; False at the end."""
    word, _, rest = order.partition(" ")
    parameters = pj.CallOpParam(True)
    if word == "call":
        calls.append(Call(account))
        calls[-1].makeCall(f"sip:{rest}@{server}" + (";transport=tcp" if transport == "tcp" else ""), parameters)
    elif word == "hold":
        calls[-1].setHold(pj.CallOpParam(True))
    elif word == "unhold":
        parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
        calls[-1].reinvite(parameters)
    elif word == "hang":
        calls[-1].hangup(pj.CallOpParam())
    return word != "end"


def main():
    server, user, password, address, transport = sys.argv[1:]
    library = endpoint(address, transport)
    account = account_of(server, user, password, address, transport)
    going = True
    while going:
        library.libHandleEvents(10)
        if select.select([sys.stdin], [], [], 0)[0]:
            line = sys.stdin.readline()
            going = bool(line) and obey(line.strip(), account, server, transport)
    os._exit(0)  # pjsua2's own shutdown waits for what nobody needs


main()
