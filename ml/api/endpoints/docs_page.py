"""`GET /docs`: Swagger UI on the API's own OpenAPI document. Its files come from a package, none from the network."""

from __future__ import annotations

from pathlib import Path

from starlette.responses import Response
from swagger_ui_bundle import swagger_ui_path

from ml.api.problems import Problem

FILES = {  # of the package -> media type
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
START = "start.js"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Waybill: prediction API</title>
<link rel="icon" type="image/png" href="docs/favicon-32x32.png">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
SCRIPT = """SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  validatorUrl: null,
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  defaultModelRendering: "model",
  tryItOutEnabled: true,
});
"""
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS = {"content-security-policy": POLICY, "x-content-type-options": "nosniff"}


async def page() -> Response:
    """Return the page."""
    return Response(PAGE, media_type="text/html", headers=HEADERS)


async def file(name: str) -> Response:
    """Return a file of the page.

    Raises:
        Problem: the page has no such file.
    """
    if name == START:
        return Response(SCRIPT, media_type="text/javascript", headers=HEADERS)
    if name not in FILES:
        raise Problem(404, "no-such-page", "the documentation has no such file")
    return Response(Path(swagger_ui_path, name).read_bytes(), media_type=FILES[name], headers=HEADERS)
