"""The `access:` of routing.yaml, and the file of --web.config.file."""

import pytest

from alertd.access import Grant, Role
from alertd.config import access, web_file
from alertd.config.yaml import parse
from alertd.errors import BadInput

HASH = "a" * 64
BCRYPT = "$2b$10$4g11SEBrpw3bBWBF7/Dy/ePpk5zivEI.1BOTtzPV9LAOxxXFPq4Zi"


def test_a_section_is_read():
    """Keys, people, groups and the proxy."""
    document = parse(f"""
access:
  keys: [{{name: am, role: sender, sha256: {HASH}, expires: 2027-01-31}}]
  users: {{jane: {{role: responder, teams: [payments]}}}}
  proxy: {{from: [10.0.0.0/8]}}
  groups: {{sre: {{role: admin}}}}
""", "routing.yaml")
    found, findings = access.read(document)
    assert findings == []
    assert found.keys[0].expires == 1_801_353_600_000
    assert found.users["jane"] == Grant(Role.RESPONDER, frozenset({"payments"}))
    assert str(found.proxy.networks[0]) == "10.0.0.0/8"


@pytest.mark.parametrize(("section", "what"), [
    ("users: {jane: {role: boss}}", "must be a role"),
    ("users: {jane: {roel: admin}}", "did you mean 'role'?"),
    (f"keys: [{{name: a, role: admin, sha256: {HASH}}}, {{name: b, role: admin, sha256: {HASH}}}]", "given twice"),
    ("keys: [{name: a, role: admin, sha256: secret}]", "must be 64 hex digits"),
    ("groups: {sre: {role: admin}}", "only a proxy tells groups"),
    ("proxy: {from: [everywhere]}", "must be an address or a network"),
])
def test_a_fault_has_its_place(section, what):
    """The line, what is wrong and what to do."""
    _, findings = access.read(parse(f"access:\n  {section}\n", "routing.yaml"))
    assert any(what in str(finding) and finding.line == 2 for finding in findings), findings


def test_the_web_file_of_prometheus_is_read(tmp_path):
    """Passwords, headers and how often."""
    path = tmp_path / "web.yml"
    path.write_text(f"basic_auth_users: {{jane: {BCRYPT}}}\nrate_limit: {{interval: 100ms, burst: 5}}\n"
                    "http_server_config: {headers: {X-Frame-Options: deny}}\n")
    found = web_file.load(path)
    assert found.passwords == {"jane": BCRYPT}
    assert (found.rate.interval, found.rate.burst) == (100, 5)
    assert found.headers == {"X-Frame-Options": "deny"}


@pytest.mark.parametrize(("text", "what"), [
    ("basic_auth_user: {}", "did you mean 'basic_auth_users'?"),
    ("basic_auth_users: {jane: secret}", "must be a bcrypt hash"),
    ("tls_server_config: {cert_file: a.crt, key_file: a.key}", "no certificate"),
    ("tls_server_config: {cert_file: a, key_file: b, client_auth_type: RequireAnyClientCert}", "must be"),
    ("tls_server_config: {cert_file: a, key_file: b, cipher_suites: []}", "unknown key 'cipher_suites'"),
])
def test_a_fault_of_the_web_file_is_told(tmp_path, text, what):
    """Unknown keys are refused, as exporter-toolkit refuses them."""
    path = tmp_path / "web.yml"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"web\.yml:1:") as caught:
        web_file.load(path)
    assert what in str(caught.value)
