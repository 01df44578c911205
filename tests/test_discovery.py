"""Finding flows: which flows a target holds, and a plain word for each that holds none."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fsmflow.discovery import find_flows
from fsmflow.errors import BadTarget

ROOT = Path(__file__).parent.parent
HEAD = "from fsmflow.flow import Flow\nfrom fsmflow.messages import Option\nfrom fsmflow.step import Step, StepType\n"
FLOW = """
class {name}(Flow):
    flow_type = "{flow_type}"
    steps = (Step(id="amount", type=StepType.TEXT, message="How much?"),)
"""
MAKES_ITS_STEPS = """
class CredexFlow(Flow):
    def __init__(self, flow_type, state=None):
        super().__init__(f"{flow_type}_1", [Step(id="amount", type=StepType.TEXT, message="?")])
"""


def flow(name: str, flow_type: str) -> str:
    return FLOW.format(name=name, flow_type=flow_type)


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project of its own; what is imported of it is forgotten afterwards."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "pyproject.toml").write_text("")
    (tmp_path / "shop").mkdir()
    yield tmp_path
    for name, module in list(sys.modules.items()):
        if (getattr(module, "__file__", None) or "").startswith(str(tmp_path)):
            del sys.modules[name]


def put(path: Path, *parts: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(HEAD + "".join(parts))


def found(*targets: str) -> list[tuple[str, str]]:
    return [(each.flow_type, each.place) for each in find_flows(targets)]


def test_a_module_holds_the_flows_that_it_defines_in_their_order_and_not_what_it_imports(shop: Path) -> None:
    put(shop / "shop/sell.py", flow("SellFlow", "sell"), flow("AddFlow", "add"))
    put(shop / "shop/buy.py", "from shop.sell import SellFlow\n", flow("BuyFlow", "buy"), "Alias = BuyFlow\n")
    assert found("shop/buy.py") == [("buy", "shop.buy:BuyFlow")]
    assert found("shop/sell.py") == [("sell", "shop.sell:SellFlow"), ("add", "shop.sell:AddFlow")]


def test_what_a_module_says_its_flows_are_wins(shop: Path) -> None:
    put(shop / "shop/a.py", flow("OneFlow", "one"), flow("TwoFlow", "two"), "flows = [TwoFlow]\n")
    put(shop / "shop/b.py", MAKES_ITS_STEPS, 'flows = {"credex_offer": CredexFlow, "credex_accept": CredexFlow}\n')
    assert found("shop/a.py") == [("two", "shop.a:TwoFlow")]
    assert found("shop/b.py") == [("credex_offer", "shop.b:CredexFlow"), ("credex_accept", "shop.b:CredexFlow")]


def test_files_folders_modules_packages_and_classes_are_targets_and_each_flow_is_found_once(shop: Path) -> None:
    put(shop / "shop/buy.py", flow("BuyFlow", "buy"), flow("GiveFlow", "give"))
    put(shop / "shop/deep/sell.py", flow("SellFlow", "sell"))
    buy, give, sell = ("buy", "shop.buy:BuyFlow"), ("give", "shop.buy:GiveFlow"), ("sell", "shop.deep.sell:SellFlow")
    assert found("shop") == [buy, give, sell]
    assert found(str(shop / "shop")) == [buy, give, sell]
    assert found("shop.buy") == [buy, give]
    assert found("shop.deep.sell", "shop/buy.py") == [sell, buy, give]
    assert found("shop.buy:GiveFlow") == [give]
    assert found("shop/buy.py:GiveFlow", "shop") == [give, buy, sell]


def test_a_package_is_searched_through(shop: Path) -> None:
    put(shop / "kiosk/__init__.py")
    put(shop / "kiosk/inner/__init__.py", "from kiosk.inner.sell import SellFlow\n")
    put(shop / "kiosk/inner/sell.py", flow("SellFlow", "sell"))
    put(shop / "kiosk/__main__.py", "raise AssertionError('the package was run')\n")
    assert found("kiosk") == [("sell", "kiosk.inner.sell:SellFlow")]
    assert found("kiosk.inner") == [("sell", "kiosk.inner.sell:SellFlow")]


def test_a_class_that_builds_its_steps_stands_for_all_that_it_is_registered_as(shop: Path) -> None:
    put(shop / "shop/b.py", MAKES_ITS_STEPS, 'flows = {"credex_offer": CredexFlow, "credex_accept": CredexFlow}\n')
    put(shop / "shop/c.py", MAKES_ITS_STEPS.replace(":\n    def", ':\n    flow_type = "credex"\n    def', 1))
    assert [name for name, _ in found("shop.b:CredexFlow")] == ["credex_offer", "credex_accept"]
    assert found("shop.c:CredexFlow") == [("credex", "shop.c:CredexFlow")]


def test_tests_and_private_files_of_a_folder_are_passed_by(shop: Path) -> None:
    put(shop / "shop/buy.py", flow("BuyFlow", "buy"))
    for name in ("test_buy.py", "conftest.py", "setup.py", "_draft.py", "__main__.py", ".venv/lib.py"):
        put(shop / "shop" / name, "raise AssertionError('was imported')\n")
    assert found("shop") == [("buy", "shop.buy:BuyFlow")]


def test_a_file_that_is_called_like_an_installed_module_is_still_the_file(shop: Path) -> None:
    put(shop / "json.py", flow("JsonFlow", "json"))
    assert [name for name, _ in found("json.py", "json.py:JsonFlow")] == ["json"]


def test_a_file_beside_the_one_that_is_named_can_be_imported_by_it(shop: Path) -> None:
    put(shop / "shop/prices.py", "PRICE = 5\n")
    put(shop / "shop/buy.py", "from prices import PRICE\n", flow("BuyFlow", "buy"))
    assert [name for name, _ in found("shop/buy.py")] == ["buy"]


@pytest.mark.parametrize(
    ("target", "source", "said"),
    [
        ("gone.py", None, "gone.py: there is no such file or folder"),
        ("shop/gone", None, "shop/gone: there is no such file or folder"),
        ("gone", None, "gone: there is no such module"),
        ("shop.gone", None, "shop.gone: there is no such module"),
        ("not a module", None, "not a module: is no file, no folder and no module"),
        ("shop", None, "shop: holds no flow"),
        ("shop:Flow", None, "shop:Flow: a class is named with its module, not with a folder"),
        ("shop/a.py", "", "shop/a.py: holds no flow"),
        (
            "shop/a.py",
            MAKES_ITS_STEPS,
            'shop/a.py: CredexFlow has no steps of its own: say flows = {"<flow type>": CredexF',
        ),
        ("shop.a:CredexFlow", MAKES_ITS_STEPS, "shop.a:CredexFlow: CredexFlow has no steps of its own"),
        ("shop.a:Step", "", "shop.a:Step: Step is no flow class of shop.a"),
        ("shop.a:Gone", "", "shop.a:Gone: Gone is no flow class of shop.a"),
        ("shop/a.py", "flows = 5\n", "shop.a: flows must be flow classes, or a mapping of flow types to flow classes"),
        ("shop/a.py", "flows = [Step]\n", "shop.a: flows must be flow classes"),
        ("shop/a.py", "import gone\n", "shop/a.py: does not import: line 4 of a.py: ModuleNotFoundError: No module na"),
        ("shop.a", "import gone\n", "shop.a: does not import: line 4 of a.py: ModuleNotFoundError: No module na"),
        ("shop/a.py", "1 / 0\n", "shop/a.py: does not import: line 4 of a.py: ZeroDivisionError: division by zero"),
        ("shop/a.py", "raise SystemExit\n", "shop/a.py: does not import: line 4 of a.py: SystemExit"),
        (
            "shop/a.py",
            "raise ValueError('\\x1b[31m\\u202e' + 'x' * 900)\n",
            f"shop/a.py: does not import: line 4 of a.py: ValueError: [31m {'x' * 194}…",
        ),
        (
            "shop/a.py",
            "class Mute(Exception):\n    __str__ = None\nraise Mute\n",
            "shop/a.py: does not import: line 6 of a.py: Mute",
        ),
        ("shop/a.py", "def\n", "shop/a.py: line 4: "),
        ("shop/a.py", flow("A", ""), "shop/a.py: A: a flow with steps needs a flow_type"),
        ("shop/a-b.py", "", "shop/a-b.py: is no Python module: its name must be an identifier, with .py"),
    ],
)
def test_a_target_that_holds_no_flow_is_told_why(shop: Path, target: str, source: str | None, said: str) -> None:
    if source is not None:
        put(shop / "shop" / ("a-b.py" if "a-b" in target else "a.py"), source)
    with pytest.raises(BadTarget) as told:
        find_flows([target])
    assert str(told.value).startswith(said)
    assert "\n" not in str(told.value)


def test_two_flows_of_one_flow_type_are_both_named(shop: Path) -> None:
    put(shop / "shop/a.py", flow("OneFlow", "buy"))
    put(shop / "shop/b.py", flow("TwoFlow", "buy"))
    with pytest.raises(BadTarget, match=r"shop.b:TwoFlow and shop.a:OneFlow have the same flow type, 'buy'"):
        find_flows(["shop"])


@pytest.mark.parametrize("target", ["shop", "shop.deep"])
def test_what_does_not_import_can_be_set_aside_and_all_else_is_found(shop: Path, target: str) -> None:
    for name, source in (
        ("buy", flow("BuyFlow", "buy")),
        ("gone", "import nothing_of_it\n"),
        ("sell", flow("SellFlow", "sell")),
    ):
        put(shop / f"shop/deep/{name}.py", source)
    aside: list[BadTarget] = []
    assert [each.flow_type for each in find_flows([target], set_aside=aside.append)] == ["buy", "sell"]
    assert ["gone" in bad.target for bad in aside] == [True]
    assert [each.flow_type for each in find_flows(["shop/deep/gone.py"], set_aside=aside.append)] == []
    assert [each.flow_type for each in find_flows(["shop.deep.gone:GoneFlow"], set_aside=aside.append)] == []
    assert len(aside) == 3


def test_a_target_that_holds_no_flow_cannot_be_set_aside(shop: Path) -> None:
    put(shop / "shop/a.py")
    aside: list[BadTarget] = []
    for target in ("shop/a.py", "shop", "gone.py"):
        with pytest.raises(BadTarget):
            find_flows([target], set_aside=aside.append)
    assert aside == []


def test_a_project_is_found_from_anywhere(shop: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    put(shop / "shop/prices.py", "PRICE = 5\n")
    put(shop / "shop/buy.py", "from shop.prices import PRICE\n", flow("BuyFlow", "buy"))
    program = f"from fsmflow.discovery import find_flows; print(find_flows([{str(shop / 'shop/buy.py')!r}])[0].place)"
    ran = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path.insert(0, {str(ROOT)!r}); {program}"],
        cwd=tmp_path_factory.mktemp("elsewhere"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert ran.stdout == "shop.buy:BuyFlow\n"
