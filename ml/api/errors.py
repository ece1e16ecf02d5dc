"""Errors that keep the prediction API from starting.

ApiError                 base class
├── AddressRefused       nothing can listen at the address: the port is taken, or the host is not of this machine
├── KeyRequired          other machines could reach the API, and WAYBILL_API_KEY is not set
└── ApiNotInstalled      the packages of `make api` are missing
"""

from waybill.errors import WaybillError


class ApiError(WaybillError):
    """Base of the errors of `waybill serve`."""


class AddressRefused(ApiError):
    """Raised when the port is taken, or the host is not an address of this machine."""


class KeyRequired(ApiError):
    """Raised before listening on an address that other machines can reach, without WAYBILL_API_KEY."""


class ApiNotInstalled(ApiError):
    """Raised when FastAPI, uvicorn or another package of the group api is missing."""
