"""The file of `--web.config.file`, in the form that Prometheus and Alertmanager read too, so that one serves all.

https://github.com/prometheus/exporter-toolkit/blob/master/docs/web-configuration.md. What Python's TLS cannot do is
refused in words rather than passed over; unknown keys are refused as they refuse them.
"""

from __future__ import annotations

import dataclasses
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

import pydantic

from alertd.config import units, yaml
from alertd.config.yaml import Document, validate
from alertd.errors import BadInput, Finding
from alertd.model import SECOND, Millis

_FORBID = pydantic.ConfigDict(extra="forbid", frozen=True)
_VERSIONS = {"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3}


def _bcrypt(value: object) -> str:
    text = str(value)
    if len(text) != 60 or not text.startswith(("$2a$", "$2b$", "$2y$")):
        raise ValueError("must be a bcrypt hash; `alertd access password` asks for a password and prints it")
    return text


class TlsSection(pydantic.BaseModel):
    """Keys and certificates; relative to the file's folder."""

    model_config = _FORBID

    cert_file: pydantic.StrictStr
    key_file: pydantic.StrictStr
    client_auth_type: Literal["NoClientCert", "VerifyClientCertIfGiven", "RequireAndVerifyClientCert"] = "NoClientCert"
    client_ca_file: pydantic.StrictStr | None = None
    client_allowed_sans: list[pydantic.StrictStr] = []
    min_version: Literal["TLS12", "TLS13"] = "TLS12"
    max_version: Literal["TLS12", "TLS13"] = "TLS13"


class HttpSection(pydantic.BaseModel):
    """Headers of every answer. HTTP/2 is not spoken, whatever `http2` says."""

    model_config = _FORBID

    http2: pydantic.StrictBool = True
    headers: dict[Literal["Content-Security-Policy", "X-Frame-Options", "X-Content-Type-Options", "X-XSS-Protection",
                          "Strict-Transport-Security"], pydantic.StrictStr] = {}


class RateSection(pydantic.BaseModel):
    """One request each `interval` (0: as many as come), and `burst` at once; of each visitor on its own."""

    model_config = _FORBID

    interval: Annotated[Millis, pydantic.PlainValidator(units.duration)] = SECOND
    burst: pydantic.StrictInt = pydantic.Field(default=20, ge=1)


class WebSection(pydantic.BaseModel):
    """The whole file."""

    model_config = _FORBID

    tls_server_config: TlsSection | None = None
    http_server_config: HttpSection = HttpSection()
    basic_auth_users: dict[str, Annotated[str, pydantic.PlainValidator(_bcrypt)]] = {}
    rate_limit: RateSection | None = None


@dataclasses.dataclass(frozen=True, slots=True)
class WebFile:
    """What the file says. `tls` is a context that is ready to serve, None for plain HTTP; `certificates`: clients may
    show one. `sans` are the only names such a certificate may have, when given; `files` all that was read."""

    passwords: Mapping[str, str]
    headers: Mapping[str, str]
    rate: RateSection | None = None
    tls: ssl.SSLContext | None = None
    certificates: bool = False
    sans: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()


def load(path: Path) -> WebFile:
    """The file; BadInput with every fault."""
    document = yaml.read(path)
    if document.data is None:
        return WebFile({}, {}, files=(path,))
    section, findings = validate(document, WebSection)
    findings = [*document.duplicates, *findings]
    if section is None or findings:
        raise BadInput(findings)
    tls = section.tls_server_config
    context, findings = _context(document, tls, path.parent) if tls else (None, [])
    if findings:
        raise BadInput(findings)
    headers = {str(name): value for name, value in section.http_server_config.headers.items()}
    return WebFile(section.basic_auth_users, headers, section.rate_limit, context,
                   tls is not None and tls.client_auth_type != "NoClientCert",
                   tuple(tls.client_allowed_sans) if tls else (),
                   (path, *(path.parent / name for name in (tls.cert_file, tls.key_file))) if tls else (path,))


def _context(document: Document, tls: TlsSection, folder: Path) -> tuple[ssl.SSLContext | None, list[Finding]]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version, context.maximum_version = _VERSIONS[tls.min_version], _VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_RENEGOTIATION
    under = "tls_server_config"
    try:
        context.load_cert_chain(folder / tls.cert_file, folder / tls.key_file)
    except (OSError, ssl.SSLError) as error:
        what = f"{tls.cert_file} and {tls.key_file} are no certificate and its key: {error.strerror or error}"
        return None, [document.finding((under, "cert_file"), what, "name files in PEM form", id="invalid-value")]
    if tls.client_auth_type == "NoClientCert":
        return context, []
    if tls.client_ca_file is None:
        return None, [document.finding((under, "client_auth_type"), "who signs the certificates of clients is missing",
                                       "name it: `client_ca_file: ca.pem`", id="missing-key")]
    try:
        context.load_verify_locations(folder / tls.client_ca_file)
    except (OSError, ssl.SSLError) as error:
        what = f"{tls.client_ca_file} holds no certificates: {error.strerror or error}"
        return None, [document.finding((under, "client_ca_file"), what, "name a file in PEM form", id="invalid-value")]
    demanded = tls.client_auth_type == "RequireAndVerifyClientCert"
    context.verify_mode = ssl.CERT_REQUIRED if demanded else ssl.CERT_OPTIONAL
    return context, []
