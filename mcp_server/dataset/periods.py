"""Dates as ISO texts of their precision, and the periods that they stand for.

A dataset may know of one item only the year ("2024"), of another the month, the day or the second. So a date is a
period: "2024" is the whole year. The ends of periods are written as shortly as possible ("2024" for the first second of
2024), so that texts of any precision can be compared letter by letter, which databases do by an index.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

EXAMPLES = "2024, 2024-03, 2024-03-05 or 2024-03-05T18:30:00Z"

AFTER_ALL_DATES = ":"
"""The end of the year 9999. A colon sorts after every digit."""

_FORM = re.compile(
    r"(?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.\d+)?)?(?P<zone>Z|[+-]\d\d:\d\d)?)?)?)?",
    re.ASCII,
)


@dataclass(frozen=True)
class Period:
    """A time from its first moment to just before its end. Both are ISO texts in UTC, in their shortest form."""

    begin: str
    end: str


def read_period(text: str) -> Period:
    """The period that a date stands for. A time without a zone is in UTC; parts of seconds are left out.

    Raises:
        ValueError: The text is not a date; the error says what one looks like.
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"a date is written with the year first, as {EXAMPLES}")
    parts = {name: int(value) for name, value in found.groupdict().items() if value is not None and name != "zone"}
    try:
        begin = datetime(**{"month": 1, "day": 1, **parts})  # type: ignore[arg-type]
        if (zone := found["zone"]) and zone != "Z":
            begin = datetime.fromisoformat(f"{begin.isoformat()}{zone}").astimezone(UTC).replace(tzinfo=None)
    except (ValueError, OverflowError) as error:
        why = f" ({error})" if "must be in" in str(error) or "out of range" in str(error) else ""
        raise ValueError(f"there is no such date{why}; write it as {EXAMPLES}") from None
    try:
        return Period(_shortest(begin), _shortest(_following(begin, list(parts)[-1])))
    except OverflowError:
        return Period(_shortest(begin), AFTER_ALL_DATES)


def _following(begin: datetime, precision: str) -> datetime:
    """The beginning of the next period of the same precision.

    Raises:
        OverflowError: It is after the year 9999.
    """
    if precision in ("year", "month"):
        months = begin.year * 12 + begin.month - 1 + (12 if precision == "year" else 1)
        if months >= 10_000 * 12:
            raise OverflowError
        return begin.replace(year=months // 12, month=months % 12 + 1)
    return begin + timedelta(**{f"{precision}s": 1})


def _shortest(moment: datetime) -> str:
    text = moment.isoformat().removesuffix("T00:00:00")
    return f"{text}Z" if "T" in text else text.removesuffix("-01").removesuffix("-01")


def coarser(end: str) -> list[str]:
    """Less precise dates that come before the end of a period letter by letter, but last beyond it: "2024" for the end
    "2024-03".
    """
    return [end[:length] for length in (4, 7, 10) if length < len(end)]
