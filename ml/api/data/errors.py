"""What can go wrong between the API and the database.

DatabaseAway   the database does not answer now; the same request may succeed a little later
"""

from waybill.errors import WaybillError


class DatabaseAway(WaybillError):
    """Raised when the database cannot be reached, takes too long, or has no free connection; a retry may succeed."""

    is_transient = True
