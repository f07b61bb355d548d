"""The language of texts, told by their most frequent words or by their script."""

import re
from collections import Counter
from collections.abc import Iterable

STOP_WORDS: dict[str, str] = {
    "english": "the and of to in is that for with his her from as on by are this was who they it",
    "german": "der die und das den von zu mit ist im ein eine sich auf für nicht dem des wird als",
    "french": "le la les et des un une dans est pour que qui sur pas avec son sa du au plus",
    "spanish": "el los las y que del una por con para es su se lo como más pero sus al un",
    "italian": "il che di e della per un una è con del non sono alla nel gli dei suo più si",
    "portuguese": "o os e que do da em um uma para com não por mais dos como se na no ao",
    "dutch": "de het een en van in is dat op te zijn voor met die niet aan er om ook hij",
    "swedish": "och att det som en på är av för med den till ett om har inte från han sig de",
    "danish": "og at det er en til på som med for af den de ikke har fra han sig et der",
    "norwegian": "og at det er en til på som med for av den de ikke har fra han seg et å",
    "finnish": "ja on ei se että hän oli mutta kun ovat joka niin kuin tai myös hänen ole vain sen sekä",
    "turkish": "ve bir bu için ile çok da de olarak daha olan ama gibi kadar sonra her en ne onun mi",
    "hungarian": "a az és hogy egy nem is meg van ez de ha csak mint már el volt még azt ki",
    "romanian": "și în la cu de pe un o este din care pentru nu mai lui sau prin al sunt fi",
    "russian": "и в не на что с как он по это из у за его от но для который она так",
    "indonesian": "yang dan di dengan untuk dari ini pada tidak dalam itu akan adalah ke sebuah oleh juga seorang ia",
    "catalan": "el la els les i de que amb per una és en del al no dels seva com més van",
    "slovene": "in je v na se da za so z ki ne pa kot po tudi od bi iz ga ali",
}  # fmt: skip

SCRIPTS = (
    ("japanese", r"[\u3040-\u30ff]"),
    ("chinese", r"[\u4e00-\u9fff]"),
    ("arabic", r"[\u0600-\u06ff]"),
    ("hebrew", r"[\u0590-\u05ff]"),
    ("greek", r"[\u0370-\u03ff]"),
    ("bengali", r"[\u0980-\u09ff]"),
    ("nepali", r"[\u0900-\u097f]"),
)
"""Scripts that one language of the word index has."""

LEAST_SHARE = 0.08
"""Share of stop words among all words, below which texts are in no known language."""


LEAST_MARGIN = 1.2
"""How many times more stop words a language needs than the next one."""

LEAST_WORDS = 60


def language_of(texts: Iterable[str]) -> str | None:
    """The language that most of the texts are in; None where it cannot be told."""
    whole = " ".join(texts).lower()
    letters = sum(character.isalpha() for character in whole)
    for language, script in SCRIPTS:
        if letters and len(re.findall(script, whole)) > (0.05 if language == "japanese" else 0.4) * letters:
            return language
    words = Counter(re.findall(r"[^\W\d_]+", whole))
    total = sum(words.values())
    if not total:
        return None
    shares = {language: sum(words[word] for word in stops.split()) for language, stops in STOP_WORDS.items()}
    second, best = sorted(shares, key=lambda language: shares[language])[-2:]
    is_clear = shares[best] > LEAST_MARGIN * shares[second] and total >= LEAST_WORDS
    return best if is_clear and shares[best] > LEAST_SHARE * total else None
