"""What the comparison takes for equal, and what it must tell."""

import decimal
import unittest

import pyarrow

import delimited
import judge
import mason
import records
import values
from asking import Asking, Said


class Values(unittest.TestCase):
    def test_numbers_are_equal_by_value_and_by_nothing_else(self):
        self.assertEqual(values.number(1), values.number(decimal.Decimal("1.00")))
        self.assertEqual(values.number(0.1), values.number(decimal.Decimal("0.10")))
        self.assertEqual(values.number(float("nan")), values.number(float("nan")))
        for other in (True, "1", 1.5, -1):
            self.assertNotEqual(values.number(1), values.plain(other))
        self.assertNotEqual(values.number(0.0), values.number(-0.0))

    def test_tables_with_floats_are_never_equal_at_once(self):
        floats = pyarrow.float64()
        for kind, wrap in (
            (floats, lambda value: value),
            (pyarrow.list_(floats), lambda value: [value]),
            (pyarrow.struct([("a", floats)]), lambda value: {"a": value}),
            (pyarrow.dictionary(pyarrow.int8(), floats), lambda value: value),
        ):
            one, other = (pyarrow.table({"x": pyarrow.array([wrap(value)], kind)}) for value in (0.0, -0.0))
            self.assertFalse(values.same_at_once(one, other), kind)
            self.assertIsNotNone(values.difference(values.columns(one), values.columns(other), ["x"], "P"), kind)
        whole = pyarrow.table({"x": [[1, 2]], "y": ["a"]})
        self.assertTrue(values.same_at_once(whole, whole))

    def test_a_null_of_a_union_is_null(self):
        members = [pyarrow.array([1, None]), pyarrow.array(["a"])]
        union = pyarrow.UnionArray.from_dense(pyarrow.array([0, 1, 0], pyarrow.int8()), pyarrow.array([0, 0, 1], pyarrow.int32()), members)
        one, text, null = values.array(union)
        self.assertIsNone(null)
        self.assertNotIn(None, (one, text))
        self.assertNotEqual(one, text)

    def test_nested_values_and_times_are_compared_whole(self):
        rows = [{"l": [1, None], "s": {"b": None, "a": "x"}, "m": [("k", 1)]}, {"l": None, "s": None, "m": None}]
        kind = pyarrow.schema(
            [
                ("l", pyarrow.list_(pyarrow.int32())),
                ("s", pyarrow.struct([("a", pyarrow.string()), ("b", pyarrow.int8())])),
                ("m", pyarrow.map_(pyarrow.string(), pyarrow.int64())),
            ]
        )
        table = pyarrow.Table.from_pylist(rows, kind)
        self.assertEqual(values.columns(table.slice(1)), [[None], [None], [None]])
        self.assertEqual(values.columns(table)[0][0], ("list", 1, None))
        self.assertEqual(values.columns(table)[1][0], ("struct", ("a", "x"), ("b", None)))
        late = pyarrow.array([253402225200], pyarrow.timestamp("s"))
        self.assertEqual(values.array(late), [("time", 253402225200 * 10**9)])

    def test_rows_are_a_multiset(self):
        names = ["a", "b"]
        self.assertIsNone(values.difference([[1, 2], ["x", "y"]], [[2, 1], ["y", "x"]], names, "P"))
        told = values.difference([[1, 2], ["x", "y"]], [[1, 2], ["y", "x"]], names, "P")
        self.assertIn("belong together", told)
        self.assertIn("row 2, column `b`", values.difference([[1, 1], ["x", "y"]], [[1, 1], ["x", "z"]], names, "P"))
        self.assertIn("1 row, P has 2", values.difference([[1]], [[1, 1]], ["a"], "P"))


class Texts(unittest.TestCase):
    def test_a_cell_is_compared_by_the_type_of_its_column(self):
        whole, text = pyarrow.int64(), pyarrow.large_string()
        self.assertEqual(delimited.typed("7", whole), 7)
        self.assertEqual(delimited.typed("007", text), "007")
        self.assertEqual(delimited.typed("seven", whole), ("text", "seven"))
        self.assertIsNone(delimited.typed("", whole))
        time = pyarrow.timestamp("us")
        for cell in ("1970-01-01T01:00:00+01:00", "1970-01-01 01:00:00+01", "1969-12-31T22:30:00-0130"):
            self.assertEqual(delimited.typed(cell, time), ("time", 0))

    def test_a_dialect_is_followed(self):
        dialect = {"delimiter": ";", "header": True, "quote": '"', "encoding": "latin1"}
        self.assertEqual(delimited.cells(b'a;b\r\n"x;y";\xe9\n\n', dialect), [["a", "b"], ["x;y", "é"]])

    def test_a_member_that_is_lost_is_told(self):
        kind = pyarrow.struct([("a", pyarrow.int64())])
        self.assertNotEqual(records.typed({"a": 1, "b": 2}, kind), records.typed({"a": 1}, kind))


    def test_a_column_that_only_one_side_has_is_told(self):
        table = pyarrow.table({"a": [1], "b": [2]})
        self.assertIsNone(records.difference(table, [{"a": 1, "b": 2}], ["a", "b"], "P"))
        self.assertIn("no column `c`", records.difference(table, [{"a": 1, "c": 2}], ["a", "c"], "P"))
        empty = pyarrow.table({"a": [1], "b": pyarrow.nulls(1)})
        self.assertIn("a column `b`", records.difference(empty, [{"a": 1}], ["a"], "P"))


class Verdicts(unittest.TestCase):
    def test_classes(self):
        read, refused = mason.Outcome(True), mason.Outcome(False, "`t/a.csv` is broken")
        yes, no, other = Said("p", True), Said("q", False, "why"), Said("duckdb_csv", True, "2 rows")
        cases = [
            (read, [yes, no], judge.EQUAL),
            (read, [yes, other], judge.WRONG),
            (read, [Said("p", True, "1 row"), no], judge.WRONG),
            (read, [Said("p", True, "1 row"), yes], judge.WRONG),
            (read, [yes, Said("q", True, "1 row")], judge.EQUAL),
            (read, [no, Said("p", True, "1 row")], judge.WRONG),
            (read, [no], judge.NOT_COMPARED),
            (refused, [yes], judge.REFUSED_CLEARLY),
            (refused, [no], judge.REFUSED_BY_ALL),
            (mason.Outcome(False, "", "panic"), [no], judge.BROKEN),
        ]
        for outcome, said, expected in cases:
            self.assertEqual(judge.judge(outcome, said)[0], expected)

    def test_a_reason_excuses_a_difference_and_nothing_else(self):
        reasons = {"12": {"class": judge.EQUAL, "why": "because"}}
        detected, first = Said("duckdb_csv", True, "2 rows"), Said("with_python", True, "2 rows")

        def of(said, digest="12", outcome=mason.Outcome(True)):
            return judge.with_reason(outcome, said, digest, reasons)[0]

        self.assertEqual(of([detected]), judge.EQUAL)
        self.assertEqual(of([detected, first]), judge.WRONG)
        self.assertEqual(of([detected], "34"), judge.WRONG)
        self.assertEqual(of([detected], "12", mason.Outcome(False, "", "panic")), judge.BROKEN)
        self.assertEqual(of([first, Said("duckdb_csv", True)]), judge.WRONG)
        seconded, second = Said("pyarrow_parquet", True, "2 rows"), Said("duckdb_parquet", True)
        self.assertEqual(of([seconded, second]), judge.EQUAL)
        self.assertEqual(of([seconded, second], "34"), judge.WRONG)
        self.assertEqual(of([seconded]), judge.WRONG)
        self.assertEqual(of([seconded, Said("duckdb_parquet", True, "3 rows")]), judge.WRONG)

    def test_a_peer_whose_process_died_has_not_read_the_file(self):
        asked = Asking(10)
        asked._start()
        asked.process.kill()
        asked.process.join()
        said = asked.ask("csv", "with_python", None, mason.Outcome(True))
        self.assertEqual((said.read, asked.process), (False, None))

    def test_a_refusal_that_does_not_name_the_file_is_broken(self):
        def broken(message, kind="User"):
            attempt = {"error": {"class": kind, "reason": "UserError"}}
            status = {"messages": {"errors": [message]}, "attempts": [attempt]}
            return mason.refusal("a.csv", "table/get", status).broken

        self.assertEqual(broken("`t/a.csv` is not readable"), "")
        self.assertIn("does not name", broken("a file is broken"))
        self.assertIn("Unknown", broken("`t/a.csv`: panicked", "Unknown"))


if __name__ == "__main__":
    unittest.main()
