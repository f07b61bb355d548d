"""Words of other languages in the names of files and columns, and what they are in English."""

_WORDS = {
    "title": "titel titre título titulo titolo",
    "name": "nom nome naam namn navn",
    "description": "beschreibung bezeichnung descripción descripcion descrição descricao descrizione omschrijving",
    "user": "nutzer benutzer anwender utilisateur usuario usuário utente gebruiker användare",
    "customer": "kunde kunden kundin acheteur cliente klant kund",
    "reader": "leser lecteur lector leitor lettore lezer",
    "article": "artikel artículo articulo artigo articolo",
    "product": "produkt produit producto produto prodotto",
    "book": "buch livre libro livro boek bok",
    "quantity": "menge quantité quantite cantidad quantidade quantità hoeveelheid",
    "count": "anzahl aantal antal",
    "rating": "bewertung évaluation evaluation calificación calificacion avaliação valutazione beoordeling",
    "star": "sterne étoile étoiles estrella estrellas estrela estrelas stelle sterren",
    "point": "punkte puntos pontos punti punten",
    "date": "datum fecha dato",
    "time": "zeit zeitpunkt zeitstempel heure hora tijd",
    "author": "autor auteur autore schrijver",
    "category": "kategorie warengruppe catégorie categorie categoría categoria",
    "price": "preis prix precio preço prezzo prijs pris",
    "city": "stadt ort wohnort ville ciudad cidade città stad",
    "country": "land pays país pais paese",
    "stock": "lagerbestand bestand",
    "age": "alter edad idade età leeftijd",
    "id": "nummer numéro numero número",
}

ENGLISH = {word: english for english, words in _WORDS.items() for word in words.split()}
"""English words by words of other languages."""

ENDS = {"nummer": "id", "nr": "id"}
"""Ends of compounds, as of Kundennummer, and the words that they stand for."""
