"""An incoming call and where it belongs, and the bytes of its request as the provider's tables have them."""

from ringback.calls.directory import Number, Place, Property
from ringback.calls.model import Call, Context, Geo

ACCOUNT = "190761"
SID = "f5157dfe-0629-e358-6b08-8fbea78ab4bd"
NOWHERE = Geo(country="", region="", city="")
CALL = Call(
    account=ACCOUNT,
    id=SID,
    root=SID,
    direction="inbound",
    from_="+14025550100",
    to="+17015550123",
    status="starting",
    context=Context(caller_name="ACME", from_geo=Geo(country="US", region="NE", city="OMAHA", postal_code="68102"), to_geo=NOWHERE),
)
PLACE = Place(
    organization_id="org",
    account=ACCOUNT,
    number=Number(
        number="+17015550123", name="n", property=Property(id="p", name="p"), channel_id="c", trunk_id="90001", registered=True
    ),
)
BODY = (
    f"CallSid={SID}&AccountID=190761&TrunkID=90001&From=%2B14025550100&To=%2B17015550123&CallStatus=ringing&ApiVersion=v0"
    "&Direction=inbound&CallerName=ACME&FromCity=OMAHA&FromState=NE&FromZip=68102&FromCountry=US"
)
