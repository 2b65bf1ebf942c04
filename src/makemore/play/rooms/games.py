"""The fifth room: two games with held-out lines. The server keeps what the player must not see."""

from __future__ import annotations

import secrets

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from makemore.errors import MakemoreError, shown
from makemore.play.asked import Asked, answer, unless_given_up
from makemore.play.real_or_made import RealOrMade
from makemore.play.shannon import Letters
from makemore.play.workshop import Workshop

MOST = 100
"""Games that are kept, at most; the one that was played longest ago is dropped first."""

Game = Letters | RealOrMade


def routes(workshop: Workshop) -> list[Route]:
    """Return the routes of this room."""
    games: dict[str, Game] = {}

    def kept(id: str) -> Game:
        if id not in games:
            raise MakemoreError("this game is over; start a new one")
        games[id] = games.pop(id)  # now the last to be dropped
        return games[id]

    def told(id: str, game: Game) -> Response:
        return answer(
            {"game": id, "kind": game.kind, "run": game.run, "question": game.question, **game.state()}
        )

    async def begin(request: Request) -> Response:
        """Begin a game of a `kind`, "letters" or "real", with the lines of `run`."""
        asked = await Asked.of(request)
        kind, run = asked.get("kind", str), asked.get("run", str)
        workshop.opened(run)  # raises if there is none
        if kind not in (Letters.kind, RealOrMade.kind):
            raise MakemoreError(f"{shown(kind)}: no such game", option="kind")
        game: Game = Letters(workshop, run) if kind == Letters.kind else RealOrMade(workshop, run)
        await unless_given_up(request, game.begin())
        id = secrets.token_urlsafe(12)
        games[id] = game
        while len(games) > MOST:
            del games[next(iter(games))]
        return told(id, game)

    async def look(request: Request) -> Response:
        """Return what the player may see of `game`."""
        id = request.query_params.get("game", "")
        return told(id, kept(id))

    async def move(request: Request) -> Response:
        """Make a `move` in `game`; "guess" has a `character`.

        `question` is the number of the question that the player saw. If the game is past it, since the same move
        was sent twice, nothing happens.
        """
        asked = await Asked.of(request)
        id, question = asked.get("game", str), asked.get("question", int)
        game = kept(id)
        async with game.lock:
            if question == game.question:
                await unless_given_up(request, game.move(asked.get("move", str), asked))
                game.question += 1
            elif question > game.question:
                raise MakemoreError(f"question {question}: the game is at {game.question}", option="question")
            return told(id, game)

    return [
        Route("/api/games", begin, methods=["POST"]),
        Route("/api/games", look),
        Route("/api/games/move", move, methods=["POST"]),
    ]
