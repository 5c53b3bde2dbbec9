import matplotlib as mpl
import pytest
from PIL import Image

from flexnet.errors import ConfigError
from flexnet.figures import fig4d
from flexnet.figures.look import journal
from flexnet.figures.save import save


@pytest.fixture
def draw_once(fgsm_rows, make_facts):
    return lambda: fig4d.draw(fig4d.summarise_rows(fgsm_rows), make_facts())


def test_equal_figures_give_equal_bytes(draw_once, tmp_path):
    for name in ("first", "second"):
        save(draw_once(), tmp_path / name / "fig4d.pdf", title="fig4d")
    for suffix in (".pdf", ".png"):
        first, second = (tmp_path / name / f"fig4d{suffix}" for name in ("first", "second"))
        assert first.read_bytes() == second.read_bytes()


def test_pdf_embeds_truetype_and_holds_no_date(draw_once, tmp_path):
    save(draw_once(), tmp_path / "fig4d.pdf", title="fig4d, demo scale")
    content = (tmp_path / "fig4d.pdf").read_bytes()
    assert content.startswith(b"%PDF")
    assert b"/FontFile2" in content
    assert b"/Type3" not in content
    assert b"CreationDate" not in content
    assert b"fig4d, demo scale" in content


def test_several_pages_are_one_document(draw_once, tmp_path):
    save(draw_once(), tmp_path / "one.pdf", title="fig4d")
    for name in ("first", "second"):
        save(draw_once(), tmp_path / f"{name}.pdf", title="fig4d", pages=[draw_once(), draw_once()])
    contents = [(tmp_path / f"{name}.pdf").read_bytes() for name in ("first", "second")]
    assert contents[0] == contents[1]
    assert b"CreationDate" not in contents[0]
    counts = [
        content.count(b"/Type /Page ") for content in (contents[0], (tmp_path / "one.pdf").read_bytes())
    ]
    assert counts == [2, 1]
    assert (tmp_path / "first.png").read_bytes() == (tmp_path / "one.png").read_bytes()


def test_png_is_one_column_at_300_dots(draw_once, tmp_path):
    save(draw_once(), tmp_path / "fig4d.pdf")
    with Image.open(tmp_path / "fig4d.png") as image:
        assert image.size[0] == pytest.approx(85 / 25.4 * 300, abs=1)


def test_only_the_two_files_remain(draw_once, tmp_path):
    save(draw_once(), tmp_path / "fig4d.pdf")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["fig4d.pdf", "fig4d.png"]


def test_the_users_settings_neither_enter_nor_change(draw_once, tmp_path):
    save(draw_once(), tmp_path / "plain.pdf")
    with mpl.rc_context({"font.size": 30, "axes.spines.top": True, "pdf.fonttype": 3}):
        save(draw_once(), tmp_path / "other.pdf")
        assert mpl.rcParams["font.size"] == 30
    assert (tmp_path / "plain.pdf").read_bytes() == (tmp_path / "other.pdf").read_bytes()


def test_style_is_undone():
    before = dict(mpl.rcParams)
    with journal():
        assert mpl.rcParams["pdf.fonttype"] == 42
    assert dict(mpl.rcParams) == before


def test_the_path_must_be_a_pdf(draw_once, tmp_path):
    with pytest.raises(ConfigError, match=r"path ending in \.pdf; got .*fig4d\.svg"):
        save(draw_once(), tmp_path / "fig4d.svg")
