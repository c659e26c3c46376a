"""A SIP phone in a process of its own, by pjsua2: orders are JSON lines on stdin, what happens are JSON lines on stdout.

Alone in its process because pjsua2 aborts where Python's collector frees one of its objects in another thread; so the collector is
off here, pjsua2 has no threads of its own for SIP, and everything but reading stdin is done in the main one.
"""

import gc
import json
import queue
import sys
import threading
import time
from typing import Any

import pjsua2 as pj

gc.disable()
HERE = sys.argv[2]


def tell(event: str, **more: Any) -> None:
    sys.stdout.write(json.dumps({"event": event, **more}) + "\n")
    sys.stdout.flush()


class Call(pj.Call):
    """One call. What it is to be played before its sound is up waits."""

    def __init__(self, phone: "Phone", account: pj.Account, name: str, id: int = pj.PJSUA_INVALID_ID) -> None:
        super().__init__(account, id)
        self.phone, self.name = phone, name
        self.players: list[pj.AudioMediaPlayer] = []
        self.recorders: list[pj.AudioMediaRecorder] = []
        self.waiting: list[dict[str, Any]] = []
        self.sounds = False

    def onCallState(self, prm: Any) -> None:
        info = self.getInfo()
        tell("state", call=self.name, state=info.stateText, status=info.lastStatusCode)
        if info.state == pj.PJSIP_INV_STATE_DISCONNECTED:
            self.phone.over.append(self)

    def onCallMediaState(self, prm: Any) -> None:
        info = self.getInfo()  # which owns its media: to be held while they are looked at
        for index, media in enumerate(info.media):
            if media.type == pj.PJMEDIA_TYPE_AUDIO:
                self.sounds = media.status == pj.PJSUA_CALL_MEDIA_ACTIVE
                tell("media", call=self.name, active=self.sounds, index=index)
        waiting, self.waiting = self.waiting, []
        if self.sounds:
            for order in waiting:
                self.phone.obey(order)
        else:
            self.waiting = waiting

    def onDtmfDigit(self, prm: Any) -> None:
        tell("key", call=self.name, key=prm.digit)

    def play(self, order: dict[str, Any]) -> None:
        player = pj.AudioMediaPlayer()
        player.createPlayer(order["file"], 0 if order.get("loop") else pj.PJMEDIA_FILE_NO_LOOP)
        player.startTransmit(self.getAudioMedia(-1))
        self.players.append(player)

    def record(self, order: dict[str, Any]) -> None:
        recorder = pj.AudioMediaRecorder()
        recorder.createRecorder(order["file"])
        self.getAudioMedia(-1).startTransmit(recorder)
        self.recorders.append(recorder)


class Account(pj.Account):
    def __init__(self, phone: "Phone") -> None:
        super().__init__()
        self.phone = phone

    def onIncomingCall(self, prm: Any) -> None:
        self.phone.received += 1
        call = Call(self.phone, self, f"in-{self.phone.received}", prm.callId)
        self.phone.calls[call.name] = call
        info = call.getInfo()
        tell("incoming", call=call.name, local=info.localUri, remote=info.remoteUri)

    def onRegState(self, prm: Any) -> None:
        tell("registered", status=prm.code, active=self.getInfo().regIsActive)


class Phone:
    def __init__(self, rtp: int) -> None:
        self.calls: dict[str, Call] = {}
        self.over: list[Call] = []
        self.received = 0
        self.accounts: dict[str, Account] = {}
        self.rtp = rtp
        self.running = True
        self.endpoint = pj.Endpoint()
        self.endpoint.libCreate()
        config = pj.EpConfig()
        config.uaConfig.threadCnt = 0
        config.uaConfig.mainThreadOnly = True
        config.uaConfig.maxCalls = 4
        config.logConfig.level = config.logConfig.consoleLevel = 0
        config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
        config.medConfig.ecTailLen = 0
        config.medConfig.noVad = True
        config.medConfig.quality = 3
        config.medConfig.sndAutoCloseTime = -1  # its clock may not come back when the next call follows closely
        self.endpoint.libInit(config)
        transport = pj.TransportConfig()
        transport.boundAddress = HERE
        transport.port = 0
        number = self.endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
        self.endpoint.libStart()
        self.endpoint.audDevManager().setNullDev()
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 200 if codec.codecId.startswith("PCMU") else 0)
        self.port = int(self.endpoint.transportGetInfo(number).localAddress.rpartition(":")[2])
        self.codec("PCMU")

    def codec(self, name: str) -> None:
        for codec in self.endpoint.codecEnum2():
            self.endpoint.codecSetPriority(codec.codecId, 200 if codec.codecId.startswith(name) else 0)

    def account(self, uri: str, order: dict[str, Any] | None = None) -> Account:
        if uri not in self.accounts:
            config = pj.AccountConfig()
            config.idUri = uri
            config.mediaConfig.transportConfig.boundAddress = HERE
            config.mediaConfig.transportConfig.port = self.rtp
            config.mediaConfig.transportConfig.portRange = 60
            config.callConfig.timerUse = pj.PJSUA_SIP_TIMER_INACTIVE
            if order is not None:
                credentials = pj.AuthCredInfo("digest", "*", order["user"], 0, order["password"])
                config.sipConfig.authCreds.append(credentials)
                config.regConfig.registrarUri = order.get("registrar", "")
                config.regConfig.timeoutSec = 120
                config.regConfig.retryIntervalSec = 0
            account = Account(self)
            account.create(config, not self.accounts)
            self.accounts[uri] = account
        return self.accounts[uri]

    # Orders
    def obey(self, order: dict[str, Any]) -> None:
        call = self.calls.get(order.get("call", ""))
        if order["do"] in ("play", "record", "press") and call is not None and not call.sounds:
            call.waiting.append(order)
            return
        try:
            getattr(self, "do_" + order["do"])(call, order)
        except pj.Error as error:
            tell("refused", order=order["do"], call=order.get("call"), why=error.info(False))

    def do_account(self, _: Call | None, order: dict[str, Any]) -> None:
        self.account(order["uri"], order if "user" in order else None)

    def do_codec(self, _: Call | None, order: dict[str, Any]) -> None:
        self.codec(order["name"])

    def do_call(self, _: Call | None, order: dict[str, Any]) -> None:
        made = self.calls[order["call"]] = Call(self, self.account(order["from"]), order["call"])
        made.makeCall(order["to"], pj.CallOpParam(True))

    def do_status(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            parameters = pj.CallOpParam()
            parameters.statusCode = order["status"]
            call.answer(parameters)

    def do_press(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            call.dialDtmf(order["keys"])

    def do_play(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            call.play(order)

    def do_record(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            call.record(order)

    def do_stop_record(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            call.recorders.clear()
            tell("recorded", call=call.name)

    def do_hold(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            call.setHold(pj.CallOpParam(True))

    def do_unhold(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            parameters = pj.CallOpParam(True)
            parameters.opt.flag = pj.PJSUA_CALL_UNHOLD
            call.reinvite(parameters)

    def do_hangup(self, call: Call | None, order: dict[str, Any]) -> None:
        if call is not None:
            call.hangup(pj.CallOpParam(True))

    def do_clear(self, _: Call | None, order: dict[str, Any]) -> None:
        self.endpoint.hangupAllCalls()
        deadline = time.monotonic() + 3
        while self.calls and time.monotonic() < deadline:
            self.turn()
        tell("cleared", left=len(self.calls))

    def do_quit(self, _: Call | None, order: dict[str, Any]) -> None:
        self.running = False

    def turn(self) -> None:
        self.endpoint.libHandleEvents(5)
        while self.over:
            call = self.over.pop()
            call.players.clear()
            call.recorders.clear()
            self.calls.pop(call.name, None)
            tell("gone", call=call.name)

    def close(self) -> None:
        self.do_clear(None, {})
        for account in self.accounts.values():
            account.shutdown()
        self.accounts.clear()
        self.endpoint.libDestroy()


def main() -> None:
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    phone = Phone(int(sys.argv[1]))

    def read() -> None:
        for line in sys.stdin:
            orders.put(line)
        orders.put('{"do": "quit"}')

    threading.Thread(target=read, daemon=True).start()
    phone.account(f"<sip:phone@{HERE}>")  # without one, nobody can call it
    tell("ready", port=phone.port)
    while phone.running:
        phone.turn()
        while not orders.empty():
            phone.obey(json.loads(orders.get()))
    phone.close()


main()
