"""The SDK of OpenAI, a release on httpx, on a server that streams server-sent events."""

import json

import anyio
import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam
from peers.messages import chunk, head, reply
from peers.scripted import Conversation
from peers.starting import StartPeer

import httpcore

WORDS = ["Hello", ", ", "world"]


def event(word: str) -> bytes:
    piece = {
        "id": "1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "small",
        "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}],
    }
    return b"data: " + json.dumps(piece).encode() + b"\n\n"


def stream_events(conn: Conversation) -> None:
    request = conn.receive_request()
    assert json.loads(request.body)["stream"] is True
    fields = (b"Content-Type: text/event-stream", b"Transfer-Encoding: chunked")
    conn.send(head(200, *fields))
    for word in WORDS:
        conn.send(chunk(event(word)))
    conn.send(chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    assert not conn.has_more()


MESSAGES: list[ChatCompletionMessageParam] = [{"role": "user", "content": "Say hello."}]


def test_stream_of_events(start_peer: StartPeer) -> None:
    base = start_peer(stream_events).url("/v1")
    with openai.OpenAI(base_url=base, api_key="none", max_retries=0, timeout=30.0) as client:
        stream = client.chat.completions.create(model="small", messages=MESSAGES, stream=True)
        assert [piece.choices[0].delta.content for piece in stream] == WORDS


def test_async_stream_of_events(start_peer: StartPeer) -> None:
    base = start_peer(stream_events).url("/v1")

    async def main() -> None:
        async with openai.AsyncOpenAI(
            base_url=base, api_key="none", max_retries=0, timeout=30.0
        ) as client:
            stream = await client.chat.completions.create(
                model="small", messages=MESSAGES, stream=True
            )
            words = [piece.choices[0].delta.content async for piece in stream]
            assert words == WORDS

    anyio.run(main)


def test_stream_that_is_left_early(start_peer: StartPeer) -> None:
    def endless(conn: Conversation) -> None:
        conn.receive_request()
        conn.send(head(200, b"Content-Type: text/event-stream"))
        conn.send_until_gone(event("again"))

    base = start_peer(endless).url("/v1")
    with openai.OpenAI(base_url=base, api_key="none", max_retries=0, timeout=30.0) as client:
        with client.chat.completions.create(
            model="small", messages=MESSAGES, stream=True
        ) as stream:
            assert next(iter(stream)).choices[0].delta.content == "again"
        transport = client._client._transport
        assert isinstance(transport, httpx.HTTPTransport)
        # Its releases from 3 on have another httpx, and that has another httpcore.
        assert isinstance(transport._pool, httpcore.ConnectionPool)
        assert len(transport._pool._requests) == 0


def test_error_and_retry(start_peer: StartPeer) -> None:
    answers = [reply(b"{}", 500), reply(b'{"error": {"message": "no"}}', 401)]

    def serve(conn: Conversation) -> None:
        for _ in conn.each_request():
            conn.send(answers.pop(0))

    base = start_peer(serve).url("/v1")
    with (
        openai.OpenAI(base_url=base, api_key="none", max_retries=1, timeout=30.0) as client,
        pytest.raises(openai.AuthenticationError),
    ):
        client.chat.completions.create(model="small", messages=MESSAGES)
    assert answers == []
