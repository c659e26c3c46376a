"""The embedded switch in processes of its own: the port on this side, the switch on the other, orders and happenings between."""
