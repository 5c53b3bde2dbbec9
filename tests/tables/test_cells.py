"""Files that are not the CSV they should be are refused with the line, and nothing is guessed."""

import csv
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from flexnet.errors import DataError
from flexnet.families.registry import family_of
from flexnet.tables.columns import LEDGER, Schema, described_by, rows_of
from flexnet.tables.frames import read_checked
from flexnet.tables.values import read_values

FGSM = rows_of(family_of("fgsm"))
HEAD = "model,seed,protocol,epsilon,draw,n,correct,accuracy"
ONE = "a,1,paper,0.0,0,10,5,0.5"
TWO = "a,1,paper,0.1,0,10,4,0.4"
GOOD = "\n".join([HEAD, ONE, TWO, ""])
Read = Callable[[bytes | str], list[dict[str, object]]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Write a table of these bytes or this text and read it."""

    def write_and_read(content: bytes | str) -> list[dict[str, object]]:
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return [dict(row) for row in read_checked(path, FGSM).to_dict("records")]  # type: ignore[arg-type]

    return write_and_read


def test_marks_and_line_ends_of_other_systems_change_nothing(read: Read) -> None:
    rows = read(GOOD)
    assert [row["correct"] for row in rows] == [5, 4]
    assert read(b"\xef\xbb\xbf" + GOOD.encode()) == rows
    assert read(GOOD.replace("\n", "\r\n")) == rows
    assert read(GOOD.replace("a,1", '"a",1')) == rows


def test_quoted_cells_may_hold_commas_quotes_and_line_ends(read: Read, tmp_path: Path) -> None:
    name = 'a, "b"\nc'
    with (tmp_path / "q.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([HEAD.split(","), [name, *ONE.split(",")[1:]], TWO.split(",")])
    table = read_values(tmp_path / "q.csv", FGSM)
    assert table.values["model"] == [name, "a"]
    assert table.cells.numbers == [2, 4]
    with pytest.raises(DataError, match=r"'x' in line 4: 'a,1,paper,x,"):
        read((tmp_path / "q.csv").read_text().replace("0.1", "x"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "expected a CSV table; the file is empty"),
        ("\n\n", "expected a CSV table; the file is empty"),
        (HEAD + "\n", "expected at least one row; got none"),
        (
            GOOD[:-1],
            "expected a line end behind the last line; got 'a,1,paper,0.1,0,10,4,0.4'; the file was cut",
        ),
        (
            GOOD[:-3],
            "expected a line end behind the last line; got 'a,1,paper,0.1,0,10,4,0'; the file was cut",
        ),
        (GOOD[: len(HEAD) + 1 + 12], "expected a line end behind the last line; got 'a,1,paper,0."),
        (GOOD.replace(",", ";"), "with commas between; got 'model;seed;"),
        (GOOD.replace(",", "\t"), "with commas between; got 'model\\tseed\\t"),
        (
            GOOD.replace(TWO, TWO.replace(",", ";")),
            "expected 8 cells in every line, as many as there are columns",
        ),
        (GOOD.replace(TWO, TWO + ",7"), "got 9 in line 3: 'a,1,paper,0.1,0,10,4,0.4,7'"),
        (GOOD.replace(",0.4", ""), "got 7 in line 3: 'a,1,paper,0.1,0,10,4'"),
        (GOOD.replace("0.4", "0,4"), "got 9 in line 3: 'a,1,paper,0.1,0,10,4,0,4'"),
        (GOOD + "\n", "got 0 in line 4: ''"),
        (
            GOOD.replace("a,1,paper,0.1", '"a,1,paper,0.1'),
            "unexpected end of data, in the row that begins in line 3",
        ),
        (GOOD.replace("a,1,paper,0.1", '"a"b,1,paper,0.1'), 'in the row that begins in line 3: \'"a"b,1'),
        (GOOD.replace("\n", "\r"), "expected a line end behind the last line"),
        (
            GOOD.replace(",0.5\n", ",0.5\r"),
            "expected a CSV table; got: new-line character seen in unquoted field",
        ),
        (GOOD.encode("utf-16"), "expected a CSV table in UTF-8; got a file in UTF-16"),
        (GOOD.encode("utf-16-le"), "got a file with zero bytes"),
        (GOOD.encode("utf-32"), "expected a CSV table in UTF-8; got a file in UTF-16"),
        (
            GOOD.replace("a,1,paper,0.1", "ä,1,paper,0.1").encode("latin-1"),
            "got the byte 0xe4 in line 3: 'ä,1,",
        ),
        (GOOD.replace("0.4", "0.\0"), "got a file with zero bytes"),
        (random.Random(0).randbytes(2000), "expected a CSV table in UTF-8"),
        (GOOD.replace("draw,n,", "draw,draw,"), "expected every column once; got 'draw' twice"),
        (GOOD.replace("draw,n,", "draw,,"), "expected every column once; got a column without a name"),
        (
            GOOD.replace("draw,n,", "draw, n,"),
            "expected the column 'n'; got 'model,seed,protocol,epsilon,draw, n",
        ),
    ],
)
def test_a_file_that_is_no_whole_table_is_refused(content: bytes | str, message: str, read: Read) -> None:
    with pytest.raises(DataError) as refused:
        read(content)
    assert "t.csv: " in str(refused.value)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    ("column", "text"),
    [
        *(
            ("seed", text)
            for text in ("1.0", "1e3", "-1", "+1", "01", " 1", "1_0", "", "nan", "99999999999999999999")
        ),
        *(("seed", text) for text in ("１", "٣", "0x1", "True", "9" * 5000)),
        *(
            ("epsilon", text)
            for text in ("", "nan", "inf", "-inf", "1e999", "-0.1", "0.1.0", "1_0", " 0.1", "0·1")
        ),
        *(("epsilon", text) for text in ("infinity", "1e", "e5", ".", "-", "８", "0.1%")),
        *(("n", text) for text in ("0", "-10", "10.5")),
        *(("correct", text) for text in ("-1", "11", "5.0", "6")),
        *(("accuracy", text) for text in ("50", "0.51", "0.50001", "nan", "", "inf", "-0.5", "50%")),
        *(("protocol", text) for text in ("Paper", "", "paper ", "my protocol")),
        *(("model", text) for text in ("", " a", "a ", "\t")),
    ],
)
def test_a_cell_that_is_not_of_its_column_is_shown_with_its_line(column: str, text: str, read: Read) -> None:
    cells = ONE.split(",")
    cells[HEAD.split(",").index(column)] = text
    with pytest.raises(DataError) as refused:
        read("\n".join([HEAD, TWO, ",".join(cells), ""]))
    message = str(refused.value)
    assert "line 3: 'a" in message or column == "model"
    assert "line 3: " in message
    assert column in message


@pytest.mark.parametrize("text", ["0", "0.0", "1e-05", "1E+2", ".5", "5.", "-0.0", "0.00392156862745098"])
def test_numbers_are_read_to_the_last_bit(text: str, read: Read) -> None:
    (row,) = read(f"{HEAD}\n{ONE.replace('0.0', text)}\n")
    assert row["epsilon"] == float(text)


def test_a_single_answer_more_or_less_is_no_rounding(read: Read) -> None:
    whole = f"{HEAD}\na,1,paper,0.0,0,60000,51234,{51234 / 60000}\n"
    assert read(whole)[0]["correct"] == 51234
    for other in (51233, 51235):
        with pytest.raises(DataError, match="expected accuracy = correct / n"):
            read(whole.replace("51234", str(other), 1))


def test_a_folder_and_a_path_through_a_file_are_no_tables(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    for path in (tmp_path, tmp_path / "file" / "t.csv"):
        with pytest.raises(DataError, match="expected a table here; got: "):
            read_checked(path, FGSM)


EVERY = {
    "ledger": LEDGER,
    "worked": described_by(family_of("worked")),
    "description": described_by(family_of("description")),
    "history": rows_of(family_of("history")),
}


def row_of(schema: Schema, protocol: str = "paper", seed: int = 1) -> str:
    """A row with something of the right kind in every cell; one of two is answered correctly."""
    values = {"protocol": protocol, "n": "2", "seed": str(seed)}
    kinds = {str: "text", int: "1", float: "0.5"}
    return ",".join(values.get(name, kinds[kind.of]) for name, kind in schema.required.items())


# What is done to the row and what the message says; the row is the third line.
DAMAGE: dict[str, tuple[Callable[[str], str], str]] = {
    "repeated": (lambda row: row + "\n" + row, "expected every row once"),
    "longer": (lambda row: row + ",1", "in every line"),
    "shorter": (lambda row: row.rsplit(",", 1)[0], "in every line"),
    "semicolons": (lambda row: row.replace(",", ";"), "in every line"),
    "open quote": (lambda row: '"' + row, "got: unexpected end of data"),
    "no protocol": (lambda row: row.replace("paper", "Paper"), "expected names in every row of column"),
}


# A history names no protocol.
CASES = [
    (table, damage) for table in EVERY for damage in DAMAGE if (table, damage) != ("history", "no protocol")
]


@pytest.mark.parametrize(("table", "damage"), CASES)
def test_every_kind_of_table_is_checked_alike(table: str, damage: str, tmp_path: Path) -> None:
    schema = EVERY[table]
    row, first = row_of(schema), row_of(schema, protocol="release", seed=2)
    whole = "\n".join([",".join(schema.required), first, row, ""])
    (tmp_path / "t.csv").write_text(whole)
    assert len(read_checked(tmp_path / "t.csv", schema)) == 2
    change, message = DAMAGE[damage]
    (tmp_path / "t.csv").write_text(whole.replace(row, change(row)))
    with pytest.raises(DataError, match=message) as refused:
        read_checked(tmp_path / "t.csv", schema)
    assert "line 3" in str(refused.value)
