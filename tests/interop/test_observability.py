# SPDX-License-Identifier: Apache-2.0
"""What leaves for the tools of the trade: a Homer collector, Wireshark."""
import json
import socket
import struct
import subprocess

import lab

CONFIG = """
hep: { server: "127.0.0.44:9060", agent_id: 77, key: secret }
lines:
  - { name: phones, kind: local, allow: [ 127.0.0.0/8 ] }
agents:
  - { name: echo, brain: { kind: echo } }
routes:
  - { line: phones, agent: echo }
"""


def chunks(packet):
    """A collector's reading of a HEP3 packet: type to body; strict about every length."""
    assert packet[:4] == b"HEP3" and struct.unpack(">H", packet[4:6])[0] == len(packet)
    found, at = {}, 6
    while at < len(packet):
        vendor, kind, size = struct.unpack(">HHH", packet[at:at + 6])
        assert vendor == 0 and size >= 6 and at + size <= len(packet)
        found[kind] = packet[at + 6:at + size]
        at += size
    return found


def test_homer_gets_messages_and_reports(daemons, tmp_path):
    collector = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    collector.bind(("127.0.0.44", 9060))
    collector.settimeout(5)
    d = daemons(CONFIG)
    lab.tone_ulaw(tmp_path / "tone.ul", 1000)
    code, _ = lab.sipp(tmp_path, "uac_call.xml", lab.US + ":5060", "-m", "1", "-d", "1500", service="echo")
    assert code == 0
    call = d.wait_call(state="ended")
    got = []
    while not got or got[-1][11] != b"\x22":
        got.append(chunks(collector.recv(65535)))
    collector.close()
    sip = [c for c in got if c[11] == b"\x01"]
    assert sip[0][15].startswith(b"INVITE ") and any(c[15].startswith(b"BYE ") for c in sip)
    assert all(c[12] == struct.pack(">I", 77) and c[14] == b"secret" and c[1] == b"\x02" for c in got)
    assert socket.inet_ntoa(sip[0][3]) == lab.PHONE and socket.inet_ntoa(sip[0][4]) == lab.US
    report = json.loads(got[-1][15])
    assert got[-1][17].decode() == call["sip_call_id"] == report["CORRELATION_ID"]
    assert report["TYPE"] == "HANGUP" and report["MOS"] > 4 and report["PACKET_LOSS"] == 0


def test_a_trace_opens_in_wireshark(daemons, tmp_path):
    """Read back as pcap readers do: header, records, IP and UDP, and SIP in them."""
    d = daemons(CONFIG)
    code, _ = lab.sipp(tmp_path, "uac_plain.xml", lab.US + ":5060", "-m", "1", "-d", "200", service="echo")
    assert code == 0
    d.wait_call(state="ended")
    path = tmp_path / "call.pcap"
    subprocess.run([lab.TIPRING, "trace", "last", "--pcap", str(path), "--api", d.api_base], check=True, stdout=subprocess.DEVNULL)
    data = path.read_bytes()
    assert struct.unpack("<IHHiIII", data[:24]) == (0xa1b2c3d4, 2, 4, 0, 0, 65535, 101)
    at, messages = 24, []
    while at < len(data):
        _, _, n, whole = struct.unpack("<IIII", data[at:at + 16])
        packet = data[at + 16:at + 16 + n]
        assert n == whole and packet[0] == 0x45 and packet[9] == 17
        messages.append(packet[28:])
        at += 16 + n
    assert messages[0].startswith(b"INVITE ") and any(m.startswith(b"SIP/2.0 200") for m in messages) and len(messages) >= 5
