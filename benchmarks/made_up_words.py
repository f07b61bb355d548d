"""The words of the made-up catalogue, and the SQL and the dataset.yaml that have them."""

from collections.abc import Sequence


def _words(text: str) -> list[str]:
    return text.split()


GENRES = _words(
    "Adventure Animation Ballet Biography Comedy Crime Dance Documentary Drama Espionage Family Fantasy Gothic History "
    "Horror Jazz Legend Martial Medical Musical Mystery Noir Opera Political Road Romance Satire Science Sport "
    "Thriller War Western"
)
"""One for each taste."""

COUNTRIES = _words(
    "India Japan France Brazil Nigeria Mexico Italy Korea Spain Egypt Poland Kenya Chile Norway Greece Peru Iran "
    "Ghana Cuba Nepal"
)

_ADJECTIVES = _words(
    "Silent Golden Broken Hidden Last Burning Frozen Endless Lonely Crimson Distant Electric Gentle Hollow Midnight "
    "Paper Restless Secret Velvet Wandering"
)
_NOUNS = _words(
    "River Garden Mirror Harbour Winter Letter Station Orchard Shadow Bridge Summer Island Forest Window Circus Voyage "
    "Kingdom Promise Lantern Mountain"
)
_SYLLABLES = _words("ba ce di fo gu ha je ki lo mu na pe ri so tu va we xi yo zu")
_CAPITALS = [syllable.title() for syllable in _SYLLABLES]


def _list(words: Sequence[str]) -> str:
    return f"[{', '.join(repr(word) for word in words)}]"


def _pick(words: Sequence[str], number: str, divisor: int = 1) -> str:
    """SQL for the word of a number; NULL for a negative one."""
    return f"{_list(words)}[nullif({number} // {divisor} % {len(words)} + 1, 0)]"


_NAME = " || ".join(_pick(_SYLLABLES, "{number}", 20**power) for power in range(4))
_GENRES = ", ".join(
    f"CASE WHEN genre_{slot} >= 0 THEN {_pick(GENRES, f'genre_{slot}')} END" for slot in range(3)
)  # concat_ws leaves out what is NULL

ITEMS_SQL = f"""
SELECT number + 1 AS item_id,
       {_pick(_ADJECTIVES, "word")} || ' ' || {_pick(_NOUNS, "word", 20)} || ' of '
           || {_pick(_CAPITALS, "word", 400)} || {_NAME.format(number="(word // 8000)")} AS title,
       concat_ws('|', {_GENRES}) AS genres,
       {_pick(_NOUNS, "maker")} || ' ' || {_NAME.format(number="maker")} AS maker,
       {_pick(COUNTRIES, "country")} AS country, year, price
FROM made_up ORDER BY number
"""

USERS_SQL = f"SELECT number + 1 AS user_id, age, {_list(['F', 'M'])}[gender + 1] AS gender FROM made_up ORDER BY number"

_SPEC = """name: made-up
title: A made-up catalogue
nouns: {{item: film, items: films, user: viewer, users: viewers, interaction: {noun}, interactions: {noun}s}}

items:
  id: item_id
  id_type: integer
  title: title
  summary: [year, genres, maker]
  sources: [{{file: items.parquet}}]
  fields:
    - {{name: title, kind: text, filter: true, label: Title}}
    - {{name: genres, kind: category, many: true, separator: "|", filter: true, label: Genres}}
    - {{name: maker, kind: category, filter: true, label: Maker}}
    - {{name: country, kind: category, filter: true, label: Country}}
    - {{name: year, kind: number, integer: true, filter: true, label: Year}}
    - {{name: price, kind: number, filter: true, label: Price}}

users:
  id: user_id
  id_type: integer
  sources: [{{file: users.parquet}}]
  fields:
    - {{name: age, kind: number, integer: true, label: Age, unit: years}}
    - name: age_category
      kind: category
      source: age
      label: Age category
      bands: {{kid: [0, 12], teenager: [13, 19], young_adult: [20, 30], adult: [31, 60], senior: [61, 150]}}
    - {{name: gender, kind: category, label: Gender, values: {{F: female, M: male}}}}
  groups: [age_category, gender]

interactions:
  sources: [{{file: interactions}}]
  user: user_id
  item: item_id
  timestamp: time
{feedback}
"""

SPEC = {
    "ratings": _SPEC.format(noun="rating", feedback="  rating: rating\n  rating_range: [1, 5]\n  like_threshold: 4"),
    "counts": _SPEC.format(noun="play", feedback="  feedback: counts\n  rating: plays"),
}
"""dataset.yaml by the kind of the interactions."""
