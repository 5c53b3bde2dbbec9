import pandas as pd
import pytest

from flexnet.errors import DataError
from flexnet.families.registry import family_of
from flexnet.tables.columns import rows_of
from flexnet.tables.frames import read_checked, read_rows

ROW = {
    "figure": "fig4d",
    "protocol": "paper",
    "series": "None",
    "model": "vgg16-baseline",
    "seed": 1,
    "epsilon": 0.1,
    "draw": 0,
    "n": 3,
    "correct": 1,
    "accuracy": 1 / 3,
}
FGSM, HISTORY = (rows_of(family_of(name)) for name in ("fgsm", "history"))


def write(path, *entries):
    pd.DataFrame(entries).to_csv(path, index=False)
    return path


def test_rows_come_back_as_written(tmp_path):
    rows = read_rows(write(tmp_path / "rows.csv", ROW, {**ROW, "draw": 1}))
    assert rows["accuracy"].tolist() == [1 / 3, 1 / 3]
    assert rows["draw"].tolist() == [0, 1]
    assert rows["series"].tolist() == ["None", "None"]


def test_history_and_fgsm_tables_have_schemas(tmp_path):
    fgsm = {
        name: ROW[name]
        for name in ("model", "seed", "protocol", "epsilon", "draw", "n", "correct", "accuracy")
    }
    assert len(read_checked(write(tmp_path / "fgsm.csv", fgsm), FGSM)) == 1
    with pytest.raises(DataError, match="expected the column 'epoch'"):
        read_checked(tmp_path / "fgsm.csv", HISTORY)


def changed(**values):
    return {**ROW, **values}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([{k: v for k, v in ROW.items() if k != "seed"}], r"bad\.csv: expected the column 'seed'"),
        ([changed(colour="red")], r"bad\.csv: unknown column 'colour'"),
        ([changed(seed=1.5)], "whole numbers in every row of column 'seed'"),
        ([changed(seed="one")], "whole numbers in every row of column 'seed'"),
        ([changed(accuracy="high")], "numbers in every row of column 'accuracy'"),
        ([changed(series="")], "text in every row of column 'series'"),
        ([changed(protocol="Mine")], "expected names in every row of column 'protocol'; got 'Mine'"),
        ([ROW, changed(seed=2, accuracy=33.3)], r"accuracy = correct / n; got 33.3 for 1 of 3 \(line 3: '"),
        ([changed(accuracy="nan")], "accuracy = correct / n"),
        ([ROW, ROW], "expected every row once"),
    ],
)
def test_rows_that_are_not_what_they_claim(tmp_path, entries, message):
    with pytest.raises(DataError, match=message):
        read_rows(write(tmp_path / "bad.csv", *entries))


def test_missing_and_empty_files(tmp_path):
    with pytest.raises(DataError, match=r"none\.csv: expected a table here; found no file"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(DataError, match=r"empty\.csv: expected a CSV table"):
        read_rows(tmp_path / "empty.csv")
    write(tmp_path / "header.csv", ROW).write_text(",".join(ROW) + "\n")
    with pytest.raises(DataError, match=r"header\.csv: expected at least one row"):
        read_rows(tmp_path / "header.csv")
