"""Arrays that repeat by strides of zero: against what numpy makes in full."""

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sk_mle._utils.repeated import compressed, filled, repeated, repeated_value, repeats, spread, take_rows, without_repeats

ROW = np.array([1.0, 2.0, 3.0])


def test_rows_and_values_repeat_without_memory():
    for lean, whole in ((repeated(ROW, 4), np.tile(ROW, (4, 1))), (filled(2.5, (4, 3)), np.full((4, 3), 2.5))):
        assert_array_equal(lean, whole)
        assert (repeats(lean), repeats(whole), lean.flags.writeable) == (True, False, False)
    assert not repeats(filled(2.5, (0,)))


def test_only_strides_of_zero_are_a_repeated_value():
    assert repeated_value(filled(2.5, (4, 3))) == 2.5
    assert repeated_value(np.array(2.5)) == 2.5
    for other in (np.full(4, 2.5), repeated(ROW, 4), filled(2.5, (0, 3))):
        assert repeated_value(other) is None


def test_arrays_are_cut_along_axes_along_which_all_repeat():
    rows, columns = repeated(ROW, 4), np.broadcast_to(np.arange(4.0)[:, None], (4, 3))
    assert [cut.shape for cut in without_repeats(rows)] == [(1, 3)]
    assert [cut.shape for cut in without_repeats(rows, columns)] == [(4, 3), (4, 3)]


@pytest.mark.parametrize("part", [np.array(2.0), np.array([2.0]), np.array([[2.0]]), ROW, ROW[None]], ids=str)
def test_spread_broadcasts(part):
    wide = spread(part, (4, 3))
    assert_array_equal(wide, np.broadcast_to(part, (4, 3)))
    assert repeats(wide)


def test_a_single_entry_repeats_nothing():
    assert not repeats(filled(2.5, (1,)))
    assert compressed(one := filled(2.5, (1, 1))) is one


def test_spread_to_no_axes_is_a_number():
    assert isinstance(spread(np.array(2.0), ()), float)


def test_rows_that_are_taken_still_repeat():
    index = np.array([3, 0])
    assert_array_equal(take_rows(repeated(ROW, 4), index), np.tile(ROW, (2, 1)))
    assert repeats(take_rows(repeated(ROW, 4), index))
    assert_array_equal(take_rows(np.arange(4.0), index), [3.0, 0.0])
