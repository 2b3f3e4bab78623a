"""Every Graph call: read it, check it, apply it, record it, answer it, and go wrong where a fault says so."""

import asyncio
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from graph_sandbox import batching, graph
from graph_sandbox.answers import accept, record, refuse
from graph_sandbox.breakage import deliver_broken
from graph_sandbox.call import Body, Call, split_path
from graph_sandbox.callbacks import send_callback
from graph_sandbox.errors import GraphError
from graph_sandbox.faults import Fault, FaultBoard
from graph_sandbox.ledger import MARKER_PREFIX
from graph_sandbox.limits import Limits
from graph_sandbox.marketing import Change
from graph_sandbox.params import Params, load_json, read_params
from graph_sandbox.refusals import invalid_param
from graph_sandbox.state import World
from graph_sandbox.wire import Connection, Wire

METHODS = frozenset({"GET", "POST", "DELETE"})
BEARER = "bearer "


class GraphEndpoint:
    """The ASGI endpoint behind every path that is not the dialog or `/_sandbox`."""

    def __init__(self, world: World, faults: FaultBoard, limits: Limits) -> None:
        self.world = world
        self.faults = faults
        self.limits = limits
        self._tasks: set[asyncio.Task[Any]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        wire = Wire(scope["state"]["transport"], receive, send)
        try:
            response = await self._answer_request(request, wire)
        except ClientDisconnect:
            return
        except asyncio.CancelledError:
            # The server ends while a fault holds this call: go as silently as the fault would have.
            await wire.close()
            return
        if response is not None:
            await response(scope, receive, send)

    async def _answer_request(self, request: Request, wire: Wire) -> Response | None:
        try:
            call = self._new_call(request, await read_params(request))
        except GraphError as error:
            unread = self._new_call(request, Params())
            record(unread, error.status, error)
            return refuse(unread, error)
        if batching.is_batch(call):
            return await batching.answer_batch(call, self._answer)
        return await self._answer(call, wire)

    def _new_call(self, request: Request, params: Params) -> Call:
        """A `method` parameter overrides the method, as at Meta."""
        authorization = request.headers.get("authorization", "")
        is_bearer = authorization[: len(BEARER)].lower() == BEARER
        header_token = authorization[len(BEARER) :].strip() if is_bearer else None
        asked, path = split_path(request.url.path)
        return Call(
            world=self.world,
            limits=self.limits,
            method=(params.text("method") or request.method).upper(),
            path=path,
            origin=f"{request.url.scheme}://{request.headers.get('host', 'localhost')}",
            params=params,
            raw_token=header_token or params.text("access_token"),
            token_in_url="access_token" in params.query,
            asked=asked,
        )

    async def _answer(self, call: Call, wire: Connection) -> Response | None:
        """One call, alone or as a member of a batch; None when its connection was broken on purpose."""
        try:
            if call.method not in METHODS:
                raise invalid_param("method", "must be one of {GET, POST, DELETE}.")
            return await self._serve(call, wire)
        except GraphError as error:
            record(call, error.status, error)
            return refuse(call, error)

    async def _serve(self, call: Call, wire: Connection) -> Response | None:
        """The call's way through checks and faults; None when a fault has dealt with the connection."""
        board = self.faults
        route = graph.find_route(call)
        if route is not None and route.step is not None:
            call.step, call.marker = route.step, _marker(call)
            board.count_attempt(call)
        await _delay(board.take("arrival", call), wire)
        if fault := board.take("before", call):
            answered, response = await deliver_broken(fault, call, wire, None)
            if answered:
                return response
        body = await self._commit(call, wire, graph.prepare(call, route))
        response = accept(call, body)
        if fault := board.take("after", call):
            answered, broken = await deliver_broken(fault, call, wire, response)
            if answered:
                return broken
        record(call, response.status_code)
        return response

    def _keep(self, task: asyncio.Task[Any]) -> None:
        """Hold on to a task that nobody waits for, or it may vanish half-way."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _commit(self, call: Call, wire: Connection, result: Body | Change) -> Body:
        """Apply a change, late or hidden at first when a fault says so. Reads pass through."""
        if not isinstance(result, Change):
            return result
        await _delay(self.faults.take("commit", call), wire)
        body = result.apply()
        if call.deauthorized is not None:
            self._keep(asyncio.create_task(send_callback(self.world, "deauthorize", call.deauthorized)))
        made = self.world.objects.get(call.created_id or "")
        if made is not None and (lag := self.faults.take("made", call)):
            made.visible_at = made.created_at + (lag.seconds or 0)
        return body


async def _delay(fault: Fault | None, wire: Connection) -> None:
    if fault is not None:
        if fault.drop:
            await wire.close()
        await asyncio.sleep(fault.seconds or 0)


def _marker(call: Call) -> str | None:
    """The run a create says it belongs to: the first ad label with the agreed prefix."""
    labels = load_json(call.params.get("adlabels"))
    names = (
        [item.get("name") for item in labels if isinstance(item, dict)] if isinstance(labels, list) else []
    )
    return next((name for name in names if isinstance(name, str) and name.startswith(MARKER_PREFIX)), None)
