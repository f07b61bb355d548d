"""When a preparation trains again, and what it says about that."""

import pytest

from mcp_server.dataset.spec import Nouns
from mcp_server.preparation.retraining import Decision, PresentModel, Retrain, decide
from mcp_server.recommender.drift import Drift

NOUNS = Nouns(items="films", interactions="ratings")

TRAINED_AT = 1_795_132_800
"""2026-11-20T00:00:00Z"""

HOUR, DAY = 3_600, 86_400


def _drift(n_new: int = 0, n_gone: int = 0, n_new_items: int = 0) -> Drift:
    return Drift(100_000 + n_new - n_gone, 100_000, n_new, n_gone, n_new_items, 1_000)


def _decide(policy: Retrain, drift: Drift, *, seconds: float = HOUR, is_wanted: bool = True) -> Decision:
    return decide(policy, PresentModel(is_wanted, TRAINED_AT, drift), NOUNS, TRAINED_AT + seconds)


AGAIN = "training again:"
KEPT = "keeping the model of 2026-11-20:"
LATER = "`recsys-mcp prepare --retrain always` trains now"


@pytest.mark.parametrize(
    ("policy", "drift", "seconds", "train", "sentence"),
    [
        ("auto", _drift(), DAY * 100, False, f"{KEPT} no ratings or films are new or gone"),
        ("auto", _drift(1), HOUR, False, f"{KEPT} 0.001% of the ratings are new; {LATER}"),
        ("auto", _drift(4_999), HOUR, False, f"{KEPT} 5.0% of the ratings are new; {LATER}"),
        ("auto", _drift(5_000), HOUR, True, "training again: 5.0% of the ratings are new"),
        ("auto", _drift(0, 8_000), HOUR, True, "training again: 8.0% of the ratings are gone"),
        ("auto", _drift(4_000, 1_000), HOUR, True, "training again: 5.0% of the ratings are new or gone"),
        ("auto", _drift(0, 0, 49), HOUR, False, f"{KEPT} 4.9% of the films are new; {LATER}"),
        ("auto", _drift(0, 0, 50), HOUR, True, "training again: 5.0% of the films are new"),
        ("auto", _drift(90_000, 0, 120), 0, True, f"{AGAIN} 90% of the ratings are new and 12% of the films are new"),
        ("auto", _drift(10), 6.9 * DAY, False, f"{KEPT} 0.01% of the ratings are new; {LATER}"),
        ("auto", _drift(10), 9 * DAY, True, f"{AGAIN} the model is 9 days old, and 0.01% of the ratings are new"),
        ("always", _drift(), HOUR, False, f"{KEPT} no ratings or films are new or gone"),
        ("always", _drift(1), HOUR, True, "training again: 0.001% of the ratings are new"),
        ("never", _drift(90_000), 99 * DAY, False, f"{KEPT} 90% of the ratings are new; {LATER}"),
    ],
)  # fmt: skip
def test_training_depends_on_what_is_new_and_is_said_with_the_reason(
    policy: Retrain, drift: Drift, seconds: float, train: bool, sentence: str
) -> None:
    assert _decide(policy, drift, seconds=seconds) == Decision(train, sentence)


def test_another_model_than_the_present_one_is_trained_unless_never() -> None:
    for policy in ("auto", "always"):
        assert _decide(policy, _drift(), is_wanted=False) == Decision(
            True, "training again: another model or other settings are asked for"
        )
    kept = _decide("never", _drift(), is_wanted=False)
    assert not kept.train
    assert "`recsys-mcp train`" in kept.sentence


@pytest.mark.parametrize("policy", ["auto", "always", "never"])
def test_without_a_model_there_is_nothing_to_serve_so_one_is_trained(policy: Retrain) -> None:
    assert decide(policy, None, NOUNS, TRAINED_AT).train


def test_a_model_of_unknown_age_is_kept_while_little_is_new() -> None:
    decision = decide("auto", PresentModel(True, None, _drift(10)), NOUNS, TRAINED_AT)
    assert decision == Decision(False, f"keeping the model: 0.01% of the ratings are new; {LATER}")
