"""Moods, and what does good in each: the words to search by are not those of the mood itself."""

MOODS = {
    "sad": "heart-warming, hopeful, funny",
    "stressed": "calm, gentle, easy",
    "bored": "gripping, fast, full of turns",
    "lonely": "warm story of friendship",
    "in love": "tender love story",
}
"""Words for a search, by mood."""

NAMES = ", ".join(MOODS)

EXAMPLE = f'sad: search "{MOODS["sad"]}"'

SEARCHES = "; ".join(f'{mood} - "{words}"' for mood, words in MOODS.items())
"""All of them, as they are said to an assistant."""
