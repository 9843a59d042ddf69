# SPDX-License-Identifier: Apache-2.0
"""A server of OpenAI's interfaces for tests: it answers as the real ones do (chunks, pacing, errors), and as badly as a test wants. A path's first part
chooses the manner: /good/v1/..., /down/v1/... (500), /slow/v1/... (says nothing for 20 s), /cut/v1/... (breaks off in the middle of an event)."""
import http.server
import json
import math
import struct
import threading
import time

KEY = "sk-test-1"


def tone(hz, seconds, rate=24000):
    return b"".join(struct.pack("<h", int(9000 * math.sin(2 * math.pi * hz * i / rate))) for i in range(int(rate * seconds)))


class Standin:
    def __init__(self, ip, answer, heard="when are you open"):
        """answer: (messages) -> (text, tools [(name, arguments)]); heard: what every utterance is."""
        self.answer, self.heard = answer, heard
        self.asked, self.utterances, self.spoken, self.refused = [], [], [], 0
        self.server = http.server.ThreadingHTTPServer((ip, 0), self.handler())
        self.server.daemon_threads = True
        self.server.handle_error = lambda *args: None  # who hangs up early is part of the tests
        self.url = "http://%s:%d" % (ip, self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def handler(self):
        standin = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args):
                pass

            def error(self, status, message):
                body = json.dumps({"error": {"message": message, "type": "x", "code": None}}).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def begin(self, kind):
                self.send_response(200)
                self.send_header("Content-Type", kind)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()

            def chunk(self, data):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
                self.wfile.flush()

            def do_GET(self):
                self.error(404, "nothing here")

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                manner, path = self.path[1:].split("/", 1)
                if self.headers.get("Authorization") != "Bearer " + KEY:
                    standin.refused += 1
                    return self.error(401, "Incorrect API key provided")
                if manner == "down":
                    return self.error(500, "the model is not loaded")
                if manner == "slow":
                    time.sleep(20)
                    return self.error(500, "too late")
                return {"v1/chat/completions": self.chat, "v1/audio/transcriptions": self.hear, "v1/audio/speech": self.speak}[path](manner, body)

            def event(self, data):
                """In two pieces: events are cut anywhere on the way."""
                data = b"data: " + data + b"\n\n"
                self.chunk(data[:len(data) // 2])
                self.chunk(data[len(data) // 2:])

            def chat(self, manner, body):
                doc = json.loads(body)
                standin.asked.append(doc)
                text, tools = standin.answer(doc["messages"])
                self.begin("text/event-stream")
                self.event(b'{"choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}')
                for word in text.split(" ") if text else []:
                    self.event(json.dumps({"choices": [{"index": 0, "delta": {"content": word + " "}}]}).encode())
                    time.sleep(0.01)
                if manner == "cut":
                    self.chunk(b'data: {"choices":[{"index":0,"del')
                    self.close_connection = True
                    return
                for i, (name, arguments) in enumerate(tools):
                    arguments = json.dumps(arguments)
                    for part in ({"id": "call_%d" % i, "type": "function", "function": {"name": name, "arguments": ""}},
                                 {"function": {"arguments": arguments[:3]}}, {"function": {"arguments": arguments[3:]}}):
                        self.event(json.dumps({"choices": [{"index": 0, "delta": {"tool_calls": [dict(part, index=i)]}}]}).encode())
                self.event(b'{"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}')
                self.event(b"[DONE]")
                self.chunk(b"")

            def hear(self, manner, body):
                wav = body[body.index(b"RIFF"):]
                rate, n = struct.unpack("<I", wav[24:28])[0], struct.unpack("<I", wav[40:44])[0]
                samples = struct.unpack("<%dh" % (n // 2), wav[44:44 + n])
                standin.utterances.append({"rate": rate, "seconds": n / 2 / rate, "peak": max(map(abs, samples)),
                                           "model": b'name="model"\r\n\r\nears\r\n' in body, "language": b'name="language"\r\n\r\nen\r\n' in body})
                answer = json.dumps({"text": standin.heard}).encode()
                self.begin("application/json")
                self.chunk(answer)
                self.chunk(b"")

            def speak(self, manner, body):
                doc = json.loads(body)
                standin.spoken.append(doc)
                pcm = tone(1000, 1.0)
                self.begin("audio/pcm")
                for at in range(0, len(pcm), 4801):  # odd: samples are cut in two
                    self.chunk(pcm[at:at + 4801])
                self.chunk(b"")

        return Handler
