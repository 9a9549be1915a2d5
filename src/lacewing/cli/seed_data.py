"""Who and what a seeded Lacewing holds: invented people, plausible troubles."""

from typing import Final

from lacewing.kernel.actor import Role

PASSWORD: Final = "Lacewing-Demo-1"  # noqa: S105  known to all, and never used in production

PEOPLE: Final = (
    ("ada", "Ada Admin", Role.ADMIN),
    ("miro", "Miro Manager", Role.MANAGER),
    ("lena", "Lena Lead", Role.MANAGER),
    ("dora", "Dora Developer", Role.DEVELOPER),
    ("devi", "Devi Developer", Role.DEVELOPER),
    ("omar", "Omar Operator", Role.DEVELOPER),
)

PROJECTS: Final = (
    ("WEB", "Web shop", "What customers see and click.", "miro"),
    ("PAY", "Payments", "Money in, money out, and the proof of both.", "lena"),
    ("OPS", "Operations", "What keeps all the rest running.", "lena"),
)

WHAT: Final = (
    "Login fails",
    "Page stays blank",
    "Invoice shows the wrong total",
    "Search finds nothing",
    "Upload stops at half",
    "Mail arrives twice",
    "Export misses the last row",
    "Clock is an hour off",
    "Button can't be reached by keyboard",
    "Backup takes all night",
)
WHERE: Final = (
    "on Safari",
    "after the update",
    "for new customers",
    "when the cart is empty",
    "behind the company proxy",
    "on the second try",
    "with umlauts in the name",
    "at the end of the month",
)
LABELS: Final = ("bug", "browser", "regression", "performance", "security", "docs")
REMARKS: Final = (
    "I can reproduce this on the newest version.",
    "The log says `timeout after 30 s`, nothing else.",
    "Is this the same as the trouble of last week?",
    "Fixed on a branch, **needs a review**.",
    "A customer asks when this will be done.",
)
ISSUES_PER_PROJECT: Final = 25

PRODUCTS: Final = {
    "furniture": (("Standing desk", "Office chair", "Book case"), 120),
    "lighting": (("Desk lamp", "Floor lamp"), 25),
    "stationery": (("Notebook", "Fountain pen", "Paper tray"), 4),
    "audio": (("Headset", "Conference speaker"), 60),
}
"""Names and the lowest price of each category."""
FINISHES: Final = ("black", "oak", "white", "café crème")
