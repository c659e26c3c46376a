"""SIP for the embedded switch: sippy's messages and transactions in a thread of their own, behind `Signalling`.

    settings     what an operator says: where to listen, trunks, phones
    signalling   the border: `SipSignalling`, which starts and stops the thread and passes orders in and signals out
    stack        what lives in that thread: who is calling, and which leg a message belongs to
    dialogue     one leg: sippy's user agent, and what it leaves to us
    states       what of sippy's states is ours
    calling      whom a call goes to; messages: what ours say
    gate         who may call in; digest: passwords; limits: how much strangers may ask
    phones       REGISTER; registrar: where the phones are
    network      UDP and TCP sockets
    framing      where a message ends in a stream of bytes
    transactions sippy's transactions on our network, shielded from what is no SIP
    wire         bytes as text that sippy can take, and what may be logged
    timers       sippy's timers on the thread's loop, and its prints in the log

sippy is imported when `SipSignalling.start` is called, and not before.
"""
