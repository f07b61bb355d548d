"""The same kinds of questions in other languages.

The owner's nouns are words of the catalogue's language, so these questions speak of entries and users, and quote fields
and names as the catalogue writes them.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from mcp_server.questions.draw import Draft, Draw, Template, require
from mcp_server.questions.families.filters import count_of
from mcp_server.questions.families.lookup import context_of
from mcp_server.questions.families.negative import unknown_id
from mcp_server.questions.families.popularity import HALF_A_PERCENT
from mcp_server.questions.truth import Language, ListTruth, NamesTruth, NumberTruth, RefusalTruth


@dataclass(frozen=True)
class Wording:
    """The questions of a language, with gaps for what they ask about."""

    count: str
    title: str
    history: str
    share: str
    recommend: str
    nobody: str


WORDINGS: dict[Language, Wording] = {
    "de": Wording(
        count="Wie viele Einträge des Katalogs haben bei „{field}“ den Wert „{name}“?",
        title="Wie heißt der Katalogeintrag mit der ID {item}?",
        history="Wie viele verschiedene Einträge stehen im Verlauf des Nutzers {user}?",
        share="Wie viel Prozent aller Nutzer mögen „{title}“?",
        recommend="Empfiehl {k} Katalogeinträge für den Nutzer {user}, die nicht in seinem Verlauf stehen.",
        nobody="Was steht im Verlauf des Nutzers {user}?",
    ),
    "fr": Wording(
        count="Combien d'entrées du catalogue ont la valeur « {name} » pour « {field} » ?",
        title="Quel est le titre de l'entrée du catalogue dont l'ID est {item} ?",
        history="Combien d'entrées différentes y a-t-il dans l'historique de l'utilisateur {user} ?",
        share="Quel pourcentage de tous les utilisateurs aime « {title} » ?",
        recommend="Recommande {k} entrées du catalogue à l'utilisateur {user}, absentes de son historique.",
        nobody="Qu'y a-t-il dans l'historique de l'utilisateur {user} ?",
    ),
    "es": Wording(
        count="¿Cuántas entradas del catálogo tienen el valor «{name}» en «{field}»?",
        title="¿Cuál es el título de la entrada del catálogo con el ID {item}?",
        history="¿Cuántas entradas distintas hay en el historial del usuario {user}?",
        share="¿A qué porcentaje de todos los usuarios le gusta «{title}»?",
        recommend="Recomienda {k} entradas del catálogo al usuario {user} que no estén en su historial.",
        nobody="¿Qué hay en el historial del usuario {user}?",
    ),
    "it": Wording(
        count="Quante voci del catalogo hanno il valore «{name}» per «{field}»?",
        title="Qual è il titolo della voce del catalogo con ID {item}?",
        history="Quante voci diverse ci sono nella cronologia dell'utente {user}?",
        share="A quale percentuale di tutti gli utenti piace «{title}»?",
        recommend="Consiglia {k} voci del catalogo all'utente {user} che non siano nella sua cronologia.",
        nobody="Che cosa c'è nella cronologia dell'utente {user}?",
    ),
    "pt": Wording(
        count="Quantas entradas do catálogo têm o valor «{name}» em «{field}»?",
        title="Qual é o título da entrada do catálogo com o ID {item}?",
        history="Quantas entradas diferentes há no histórico do utilizador {user}?",
        share="Que percentagem de todos os utilizadores gosta de «{title}»?",
        recommend="Recomenda {k} entradas do catálogo ao utilizador {user} que não estejam no seu histórico.",
        nobody="O que há no histórico do utilizador {user}?",
    ),
    "nl": Wording(
        count="Hoeveel items in de catalogus hebben bij '{field}' de waarde '{name}'?",
        title="Wat is de titel van het catalogusitem met ID {item}?",
        history="Hoeveel verschillende items staan er in de geschiedenis van gebruiker {user}?",
        share="Welk percentage van alle gebruikers vindt '{title}' leuk?",
        recommend="Raad {k} items uit de catalogus aan voor gebruiker {user} die niet in zijn geschiedenis staan.",
        nobody="Wat staat er in de geschiedenis van gebruiker {user}?",
    ),
}


def count(language: Language, draw: Draw) -> Draft:
    """The number of items of a kind."""
    field = draw.one(draw.kinds)
    kind = draw.kind(3, field=field)
    words = WORDINGS[language].count.format(field=field.title, name=kind.name)
    return Draft(words, count_of(draw, kind.mask), 1, language)


def title(language: Language, draw: Draw) -> Draft:
    """The title of an item."""
    item = draw.item()
    truth = NamesTruth(part="items", field=draw.ledger.spec.items.title, names=[draw.title(item)])
    return Draft(WORDINGS[language].title.format(item=draw.ledger.items.ids[item]), truth, 1, language)


def history(language: Language, draw: Draw) -> Draft:
    """The number of items of a user's history."""
    user = draw.user(1)
    pairs = draw.ledger.of_user(user)
    require(not draw.ledger.has_twin[draw.ledger.item[pairs]].any())
    words = WORDINGS[language].history.format(user=draw.ledger.users.ids[user])
    return Draft(words, NumberTruth(values=[len(pairs)]), 1, language)


def share(language: Language, draw: Draw) -> Draft:
    """The share of users who like an item."""
    item = draw.item()
    only = np.arange(len(draw.ledger.items)) == item
    everybody = np.ones(len(draw.ledger.users), dtype=bool)
    require(len(everybody) > 0)
    percentage = 100 * draw.ledger.n_likers(only, everybody) / len(everybody)
    require(3 <= percentage <= 97)
    truth = NumberTruth(
        values=[round(percentage, 3)], tolerance=HALF_A_PERCENT, percent=True, context=context_of(draw, item)
    )
    return Draft(WORDINGS[language].share.format(title=draw.title(item)), truth, 2, language)


def recommend(language: Language, draw: Draw) -> Draft:
    """Items for a user that are not in the history."""
    user, k = draw.user(5), int(draw.rng.integers(2, 7))
    seen = draw.ledger.with_twins(draw.ledger.item[draw.ledger.of_user(user)])
    none_of = np.union1d(seen, np.flatnonzero(~draw.ledger.recommendable))
    require(len(draw.ledger.items) - len(none_of) >= 2 * k)
    words = WORDINGS[language].recommend.format(user=draw.ledger.users.ids[user], k=k)
    mask = np.zeros(len(draw.ledger.items), dtype=bool)
    mask[none_of] = True
    return Draft(words, ListTruth(none_of=draw.short_list(mask), count=k), 1, language)


def nobody(language: Language, draw: Draw) -> Draft:
    """The history of a user who does not exist."""
    unknown = unknown_id(draw, draw.ledger.users.ids)
    return Draft(WORDINGS[language].nobody.format(user=unknown), RefusalTruth(), 1, language)


KINDS = (count, title, history, share, recommend, nobody)

TEMPLATES: tuple[Template, ...] = tuple(
    partial(kind, language)
    for turn in range(len(WORDINGS))
    for kind, language in zip(KINDS, [*WORDINGS][turn:] + [*WORDINGS][:turn], strict=True)
)
"""Each kind of question in each language, in an order in which both take turns."""
