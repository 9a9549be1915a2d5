import pytest

from lacewing.catalogue.store import listing
from tests.catalogue.acts import ORDERS, PATH, delete, in_order, names, new_product, path_of
from tests.support.house import House, Member
from tests.tracker.acts import Json, read, walk

NAMES = [
    "Laptop Pro 15",
    "laptop sleeve, Café edition",
    "Overlap T-Shirt",
    "Straße & Söhne: naïve map",
    "USB-C hub (3.5 mm jack)",
    "Ёлка 日本語",
    "The Not-Or-And shirt",
    "C'est l'été \\ \"Jam\" * ^ ~",
    "ガラス हिन्दी ก่อน",
    "12e5kg host.com/path -3abc 1.5e3x",
]
PRO, SLEEVE, OVERLAP, MAP, HUB, TREE, NOT, JAM, GLASS, WEIGHT = NAMES

FOUND: list[tuple[str, set[str]]] = [
    ("laptop", {PRO, SLEEVE}),
    ("LAPTOP", {PRO, SLEEVE}),
    ("lap", {PRO, SLEEVE}),
    ("l", {PRO, SLEEVE, JAM}),
    ("lap pro", {PRO}),
    ("pro lap", {PRO}),
    ("apt", set()),
    ("ptop", set()),
    ("lapto pro 1", {PRO}),
    ("laptops", set()),
    ("15", {PRO}),
    ("1", {PRO, WEIGHT}),
    ("5", {HUB, WEIGHT}),
    ("cafe", {SLEEVE}),
    ("CAFÉ", {SLEEVE}),
    ("cafe\u0301", {SLEEVE}),
    ("caf", {SLEEVE}),
    ("strasse", {MAP}),
    ("STRASSE", {MAP}),
    ("straße", {MAP}),
    ("sohne", {MAP}),
    ("naive m", {MAP}),
    ("t-shirt", {OVERLAP}),
    ("t-shi", {OVERLAP}),
    ("tshirt", set()),
    ("shirt", {OVERLAP, NOT}),
    ('"laptop pro"', {PRO}),
    ('"laptop p"', {PRO}),
    ('"lap pro"', set()),
    ('"pro laptop"', set()),
    ("laptop -sleeve", {PRO}),
    ("laptop -sle", {PRO}),
    ("-lap", {OVERLAP, MAP, HUB, TREE, NOT, JAM, GLASS, WEIGHT}),
    ("-lap -shirt", {MAP, HUB, TREE, JAM, GLASS, WEIGHT}),
    ("-laptop -pro shirt", {OVERLAP, NOT}),
    ("usb-c", {HUB}),
    ("usbc", set()),
    ("3.5", {HUB}),
    ("(3.5", {HUB}),
    ("ёл", {TREE}),
    ("ЁЛКА", {TREE}),
    ("елка", {TREE}),
    ("日本", {TREE}),
    ("not", {NOT}),
    ("or", {NOT}),
    ("and", {NOT}),
    ("laptop or shirt", set()),
    ("laptop OR pro", set()),
    ("l'été", {JAM}),
    ("ete", {JAM}),
    ("jam*", {JAM}),
    ("*", set()),
    ("%", set()),
    ("'", set()),
    ('"', set()),
    ("\\", set()),
    ("-", set()),
    ("' | 'x", set()),
    ("laptop:*", {PRO, SLEEVE}),
    ("!laptop", {PRO, SLEEVE}),
    ("words:laptop", set()),
    ("jam & !lap", set()),
    ("laptop NEAR pro", set()),
    ("\N{BUG}", set()),
    ("laptop \N{BUG}", {PRO, SLEEVE}),
    ("ガラス", {GLASS}),
    ("ガ", {GLASS}),
    ("カラ", set()),
    ("ラス", set()),
    ("हिन्दी", {GLASS}),
    ("हि", {GLASS}),
    ("द", set()),
    ("न्दी", set()),
    ("ก่", {GLASS}),
    ("น", set()),
    ("12e5kg", {WEIGHT}),
    ("12e5k", {WEIGHT}),
    ("12e", {WEIGHT}),
    ("k", set()),
    ("kg", set()),
    ("host", {WEIGHT}),
    ("com", {WEIGHT}),
    ("path", {WEIGHT}),
    ("3abc", {WEIGHT}),
    ("abc", set()),
    ("5e3", {WEIGHT}),
    ("x", set()),
    ("12e5kg -kg", {WEIGHT}),
    ("12e5kg -host", set()),
    ('"com path"', {WEIGHT}),
    ('"path com"', set()),
]


@pytest.fixture
async def shelf(house: House, maria: Member) -> dict[str, Json]:
    made = {}
    for number, name in enumerate(NAMES):
        category = "even" if number % 2 == 0 else "odd"
        fields = {"category": category, "price": f"{number % 3}.50", "rating": number % 2 or None}
        made[name] = await new_product(maria, name, **fields)
        house.clock.advance(seconds=1)
    return made


@pytest.mark.usefixtures("shelf")
async def test_words_and_their_beginnings_are_found_alike_on_both_databases(
    maria: Member,
) -> None:
    """CAT-3: without regard to case and accents; no middle and no end of a word; newest first."""
    for words, expected in FOUND:
        newest_first = [name for name in NAMES[::-1] if name in expected]
        assert await names(maria, search=words) == newest_first, words


async def test_a_search_goes_with_every_filter_and_order(
    maria: Member, shelf: dict[str, Json], monkeypatch: pytest.MonkeyPatch
) -> None:
    """CAT-2, CAT-3: whether the next products fill the page, or what fits is looked up."""
    cases: list[tuple[Json, set[str]]] = [
        ({"search": "l"}, {PRO, SLEEVE, JAM}),
        ({"search": "-l"}, {OVERLAP, MAP, HUB, TREE, NOT, GLASS, WEIGHT}),
        ({"search": "l", "category": "odd"}, {SLEEVE, JAM}),
        ({"search": "l", "category": "odd,even,none"}, {PRO, SLEEVE, JAM}),
        ({"search": "kg"}, set()),
        ({"search": "12e5kg -kg"}, {WEIGHT}),
        ({"search": "カラ"}, set()),
        ({"search": "l", "min_price": "1"}, {SLEEVE, JAM}),
        ({"search": "-pro", "category": "even", "max_price": "1.50"}, {HUB, NOT}),
        ({"search": "nothing", "category": "odd,even"}, set()),
        ({"min_price": "1.50", "max_price": "1.50"}, {SLEEVE, HUB, JAM}),
    ]
    for window in (listing.WINDOW, 0, 2):
        monkeypatch.setattr(listing, "WINDOW", window)
        for params, expected in cases:
            rows = [shelf[name] for name in expected]
            for order in ORDERS:
                found = await walk(maria, PATH, limit=1, **order, **params)

                assert [row["id"] for row in found] == in_order(order, rows), (window, params)
            facets = (await read(maria, PATH, facets="true", **params))["facets"]["category"]
            assert sum(each["count"] for each in facets) == len(rows), params


async def test_a_product_is_found_by_its_name_of_now(maria: Member, shelf: dict[str, Json]) -> None:
    """CAT-3: renamed, replaced, deleted; a refused change finds nothing."""
    await maria.api.patch(path_of(shelf[PRO]), json={"name": "Computer"})
    await maria.api.put(
        path_of(shelf[SLEEVE]), json={"name": "Computer bag", "category": "c", "price": 1}
    )
    await delete(maria, shelf[OVERLAP])
    refused = await maria.api.patch(path_of(shelf[HUB]), json={"name": "Computer", "price": -1})

    assert refused.status_code == 422
    assert await names(maria, search="lap") == []
    assert await names(maria, search="comp") == ["Computer bag", "Computer"]
    assert await names(maria, search="shirt") == [NOT]
    facets = (await read(maria, PATH, search="comp", facets="true"))["facets"]["category"]
    assert {each["value"]: each["count"] for each in facets} == {"c": 1, "even": 1}


async def test_a_name_without_a_word_is_found_by_none(maria: Member) -> None:
    """CAT-3: it is there all the same."""
    await new_product(maria, "!!!")

    assert await names(maria) == ["!!!"]
    assert await names(maria, search="!!!") == []
    assert await names(maria, search="-word") == ["!!!"]
