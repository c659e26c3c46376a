"""What TwiML has and VoXML has not, for hints: documents are often written by those who know TwiML."""

from typing import Final

VERBS: Final = {
    "Client": "VoXML dials numbers alone",
    "Conference": "VoXML has no conferences",
    "ConversationRelay": "VoXML has no media streams",
    "Echo": "VoXML has no echo",
    "Enqueue": "VoXML has no queues",
    "Leave": "VoXML has no queues",
    "Message": "VoXML sends no messages",
    "Queue": "VoXML has no queues",
    "Refer": "VoXML has no transfers by REFER: write <Dial>",
    "Sim": "VoXML dials numbers alone",
    "Sip": "VoXML has no Sip: write the SIP address as text into <Dial> (ours)",
    "Siprec": "VoXML has no media streams",
    "Sms": "VoXML sends no messages",
    "Start": "VoXML has no media streams",
    "Stop": "VoXML has no media streams",
    "Stream": "VoXML has no media streams",
    "Transcription": "VoXML has no transcription",
    "VirtualAgent": "VoXML has no media streams",
}
"""Elements, and what to say of each."""

ATTRIBUTES: Final = frozenset(
    (
        "bargeIn",
        "debug",
        "enhanced",
        "hints",
        "minDigits",
        "partialResultCallback",
        "partialResultCallbackMethod",
        "referMethod",
        "referUrl",
        "sequential",
        "speechModel",
        "statusCallback",
        "statusCallbackEvent",
        "statusCallbackMethod",
        "transcribe",
        "transcribeCallback",
        "trim",
    )
)
