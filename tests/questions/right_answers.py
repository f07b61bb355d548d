"""Answers made from the truth of questions: right ones, and wrong ones that differ from them in one thing."""

from collections.abc import Iterator

from mcp_server.questions.ledger import Ledger
from mcp_server.questions.truth import ListTruth, NamesTruth, NumberTruth, Question, RefusalTruth
from mcp_server.types import Id
from recsys_shared.answers import Answer


def right_answers(question: Question, ledger: Ledger) -> Iterator[Answer]:
    """Right answers, as text and as values."""
    match question.truth:
        case NumberTruth(percent=True, values=[value, *_]):
            yield _text(question, f"About {value:.1f}% of them.")
            yield _text(question, f"It is **{value:.0f} %** (of all that were counted).")
            yield Answer(id=question.id, number=value)
        case NumberTruth(values=values):
            for value in values:
                shown = f"{value:,.0f}" if value.is_integer() else f"{value:.2f}"
                yield _text(question, f"The answer is {shown}.")
                yield Answer(id=question.id, number=value)
        case NamesTruth(names=names):
            chosen = names if question.truth.whole else names[:1]
            yield _text(question, "\n".join(f"- **{name}**" for name in chosen))
            yield _text(question, ", ".join(f'"{name}"' for name in chosen))
            yield Answer(id=question.id, names=chosen)
        case ListTruth(part=part) as truth:
            ids = _right_list(truth, ledger)
            yield _text(question, _listing(ids, part, ledger))
            if part == "users":
                yield _text(question, f"{ledger.spec.nouns.users} {', '.join(map(str, ids))}")
                yield Answer(id=question.id, users=ids)
            else:
                yield Answer(id=question.id, items=ids)
        case RefusalTruth(asks_back=True):
            yield _text(question, f"Which {ledger.spec.nouns.item} or {ledger.spec.nouns.user} do you mean?")
        case RefusalTruth():
            yield _text(question, "There is no such thing in the catalogue.")
            yield _text(question, f"I found no {ledger.spec.nouns.items}: nothing meets this.")


def wrong_answers(question: Question, ledger: Ledger) -> Iterator[Answer]:
    """Answers that are nearly right."""
    yield _text(question, "")
    match question.truth:
        case NumberTruth(values=values, tolerance=tolerance, percent=percent):
            sign = "%" if percent else ""
            other = max(values) + 2 * tolerance + 1
            yield _text(question, f"The answer is {other:.10g}{sign}.")
            yield _text(question, f"It is {values[0]:.10g}{sign} or {other:.10g}{sign}.")
            yield _text(question, f"set_{values[0]:.0f}a")
            yield Answer(id=question.id, answer=f"{values[0]}{sign}", number=other)
        case NamesTruth(names=names, whole=whole):
            other = next(name for name in _all_names(question.truth, ledger) if name not in names)
            yield _text(question, f"**{other}**")
            yield _text(question, f"**{other}**, not {names[0]}")
            yield _text(question, f"**{names[0]}** or **{other}**")
            yield Answer(id=question.id, names=[*names, other])
            if whole and len(names) > 1:
                yield _text(question, f"**{names[0]}**")
        case ListTruth(part=part) as truth:
            ids = _right_list(truth, ledger)
            known = ledger.items.ids if part == "items" else ledger.users.ids
            stranger: Id = 10**9 if isinstance(known[0], int) else "nothing-77"
            wrong = [[*ids[:-1], stranger]]
            if truth.count is not None:
                wrong += [ids[:-1], [*ids, next(each for each in _fitting(truth, ledger) if each not in ids)]]
            if truth.all_of or truth.first:
                wrong.append(ids[1:] or [next(each for each in known if each != ids[0])])
            if truth.none_of:
                wrong.append([*ids[:-1], truth.none_of[0]])
            if truth.allowed is not None:
                wrong.append([*ids[:-1], next(each for each in known if each not in truth.allowed)])
            for each in wrong:
                yield Answer(id=question.id, items=each) if part == "items" else Answer(id=question.id, users=each)
                if stranger not in each:
                    yield _text(question, _listing(each, part, ledger))
        case RefusalTruth():
            first = ledger.items.ids[1]
            yield _text(question, f"With pleasure: {ledger.spec.nouns.item} {first}.")
            yield Answer(id=question.id, answer="There is none.", items=[first])
            yield _text(question, "There are 47 of them.")


def _text(question: Question, text: str) -> Answer:
    return Answer(id=question.id, answer=text)


def _right_list(truth: ListTruth, ledger: Ledger) -> list[Id]:
    given = list(dict.fromkeys([*truth.first, *truth.all_of]))
    others = (each for each in _fitting(truth, ledger) if each not in given)
    return [*given, *(next(others) for _ in range((truth.count or 0) - len(given)))]


def _fitting(truth: ListTruth, ledger: Ledger) -> list[Id]:
    """IDs that can be named, of items that have titles of their own."""
    known = ledger.users.ids if truth.part == "users" else [ledger.items.ids[i] for i in ledger.plain.nonzero()[0]]
    fitting = set(known if truth.allowed is None else truth.allowed) - set(truth.none_of)
    return [each for each in known if each in fitting]


def _listing(ids: list[Id], part: str, ledger: Ledger) -> str:
    if part == "users":
        return "Here they are:\n\n" + "\n".join(f"- {ledger.spec.nouns.user} {each}, who may" for each in ids)
    titles = dict(zip(ledger.items.ids, ledger.titles, strict=True))
    return "Here they are:\n\n" + "\n".join(
        f"{number}. **{titles[each]}** (ID {each}): one of the {number}00" for number, each in enumerate(ids, 1)
    )


def _all_names(truth: NamesTruth, ledger: Ledger) -> list[str]:
    columns = ledger.items if truth.part == "items" else ledger.users
    if truth.field in columns.terms:
        return columns.terms[truth.field].names
    return [title for title in columns.texts[truth.field] if title]
