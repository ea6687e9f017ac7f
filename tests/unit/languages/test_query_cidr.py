import pytest

from dogwatch.languages.cidr import block_of


@pytest.mark.parametrize(
    ("text", "block"),
    [
        ("10.1.2.3/8", "10.0.0.0/8"),
        ("10.0.0.0/08", "10.0.0.0/8"),
        ("192.168.0.1", "192.168.0.1/32"),
        ("2001:DB8::1/32", "2001:db8::/32"),
        ("::1", "::1/128"),
        ("0.0.0.0/0", "0.0.0.0/0"),
    ],
)
def test_blocks(text: str, block: str) -> None:
    assert block_of(text) == block


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/0.0.0.255",
        "10.0.0.0/8/8",
        "10.0.0.0/+8",
        "10.0.0.0/\u0668",
        "fe80::1%eth0/64",
        "10.0.0/8",
        "x/8",
        "1" * 100,
    ],
)
def test_no_blocks(text: str) -> None:
    assert block_of(text) is None
