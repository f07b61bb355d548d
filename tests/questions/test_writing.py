"""Questions of every family, for catalogues of every kind, each with a truth that can be graded."""

from functools import cache
from pathlib import Path

import pytest

from mcp_server.questions.grading import Grader
from mcp_server.questions.ledger import Ledger
from mcp_server.questions.sentences import find_sentences
from mcp_server.questions.truth import Question
from mcp_server.questions.writing import FAMILIES, choose, write_questions
from recsys_shared.answers import Answer
from tests.conftest import SHOP
from tests.questions.right_answers import right_answers, wrong_answers
from tests.reading.records import read_folder

EXAMPLES = Path(__file__).parents[2] / "examples/catalogues"

OTHERS = [SHOP, *sorted(folder.parent for folder in EXAMPLES.glob("*/dataset.yaml"))]


@cache
def _all_questions(ledger: Ledger, seed: int) -> list[Question]:
    sentences = find_sentences(ledger, seed)
    return [question for family in FAMILIES for question in write_questions(ledger, sentences, family, seed)]


def _misgraded(questions: list[Question], ledger: Ledger) -> list[tuple[str, str, object]]:
    grader = Grader(ledger)
    found: list[tuple[str, str, object]] = []
    for question in questions:
        for answer in right_answers(question, ledger):
            verdict = grader.grade(question, answer)
            if not verdict.is_right:
                found.append((question.id, question.words, (verdict.why, answer)))
        found += [
            (question.id, question.words, ("is graded right", answer))
            for answer in wrong_answers(question, ledger)
            if grader.grade(question, answer).is_right
        ]
    return found


def test_the_films_have_questions_of_every_family(films_ledger: Ledger) -> None:
    questions = _all_questions(films_ledger, 0)
    assert len(questions) >= 120
    for family in FAMILIES:
        assert sum(question.family == family.name for question in questions) == family.n, family.name
    assert len({question.id for question in questions}) == len({question.words for question in questions})
    assert {question.language for question in questions} > {"en", "de"}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_right_answers_about_films_are_right_and_wrong_ones_wrong(films_ledger: Ledger, seed: int) -> None:
    assert _misgraded(_all_questions(films_ledger, seed), films_ledger) == []


@pytest.mark.parametrize("folder", OTHERS, ids=lambda folder: folder.name)
def test_other_catalogues_have_questions_in_their_own_words(folder: Path) -> None:
    ledger = Ledger(read_folder(folder))
    questions = _all_questions(ledger, 0)
    assert len(questions) > 90
    assert not [question for question in questions if "film" in question.words or "viewer" in question.words]
    assert any(ledger.spec.nouns.items in question.words for question in questions)
    assert _misgraded(questions, ledger) == []


def test_families_that_a_catalogue_has_no_data_for_are_left_out() -> None:
    shop = Ledger(read_folder(SHOP))  # no texts, no ratings, no times
    questions = _all_questions(shop, 0)
    assert "search" not in {question.family for question in questions}
    assert not [question for question in questions if "rating" in question.words or "recent" in question.words]


def test_the_same_seed_gives_the_same_questions_whatever_else_is_asked(films_ledger: Ledger) -> None:
    assert _all_questions.__wrapped__(films_ledger, 3) == _all_questions(films_ledger, 3)
    assert _all_questions(films_ledger, 3) != _all_questions(films_ledger, 4)
    liking = next(family for family in FAMILIES if family.name == "liking")
    alone = write_questions(films_ledger, [], liking, 3)
    assert alone == [question for question in _all_questions(films_ledger, 3) if question.family == "liking"]


def test_a_limited_number_is_of_all_families_in_turn(films_ledger: Ledger) -> None:
    questions = _all_questions(films_ledger, 0)
    chosen = choose(questions, len(FAMILIES) + 1)
    assert [question.family for question in chosen] == ["lookup", *(family.name for family in FAMILIES)]
    assert [question for question in questions if question in chosen] == chosen


@pytest.mark.parametrize("text", ["There is no such thing.", "Which one do you mean?", "1. Toy Story (ID 1)", "3"])
def test_one_answer_to_everything_is_hardly_ever_right(films_ledger: Ledger, text: str) -> None:
    grader = Grader(films_ledger)
    questions = _all_questions(films_ledger, 0)
    right = [each for each in questions if grader.grade(each, Answer(id=each.id, answer=text)).is_right]
    n_refusals = sum(question.truth.form == "refusal" for question in questions)
    assert len(right) <= n_refusals if text[0] in "TW" else len(right) <= 5
    assert not [each for each in right if text[0] in "TW" and each.truth.form != "refusal"]


def test_no_question_gives_its_number_away(films_ledger: Ledger) -> None:
    for question in _all_questions(films_ledger, 5):
        if question.truth.form == "number":
            words = question.words.replace(",", "").replace("?", " ").replace(".", ". ").split()
            assert not {f"{value:.10g}" for value in question.truth.values} & set(words), question.words
