/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Every bound of the program, with its reason. A bound that is hit is counted and answered, never silently passed. */

/* SIP */
#define LIMIT_SIP_MSG_BYTES	65535	/* one UDP datagram; the same on TCP so that both behave alike */
#define LIMIT_SIP_HEADERS	128	/* header fields a message; real PBXes send 15 to 40 */
#define LIMIT_SIP_URI_BYTES	2048
#define LIMIT_SIP_VIAS		70	/* Max-Forwards' usual value: more hops than that are a loop */
#define LIMIT_SIP_ROUTES	16
#define LIMIT_SIP_UDP_BYTES	1300	/* RFC 3261 §18.1.1: above it a request goes to TCP */
#define LIMIT_SIP_FORKS		8	/* early dialogs of one INVITE that are kept apart */
#define LIMIT_SIP_CALLS		10000	/* sessions of one stack, unless configured: 80 MB at 8 KB each */
#define LIMIT_SIP_OUTBOX_BYTES	(16 << 20) /* unsent messages; more are dropped and counted, as a network would */
#define LIMIT_SIP_TRANSACTIONS	400000	/* of one stack and side: 2,000 calls a second leave 64 s of 2 behind; more are answered 503 */
#define LIMIT_SIP_ACCOUNT_BYTES	4096	/* strings of one account */
#define LIMIT_SIP_REFERS	4	/* REFERs of one dialog that are under way */
#define LIMIT_SIP_AUTH_TRIES	3	/* challenges answered for one request: stale nonce, then one proxy and one server */
#define LIMIT_SIP_CHALLENGES	8	/* challenges read from one 401/407 */

/* SDP */
#define LIMIT_SDP_MEDIA		16
#define LIMIT_SDP_FORMATS	40	/* payload types of one m-line */
#define LIMIT_SDP_BYTES		16384
#define LIMIT_SDP_FORMATS_ALL	160	/* formats of all m-lines together: a browser's video takes 40 */
#define LIMIT_SDP_ATTRS		384	/* a= lines kept: a browser's offer has 150 */
#define LIMIT_SDP_NESTING	2	/* multipart in multipart; real bodies nest once */
#define LIMIT_SDP_LOCAL_CODECS	8	/* audio codecs that we offer */
#define LIMIT_SDP_RX_FORMATS	16	/* payload types one stream may carry: codecs, events, comfort noise */
#define LIMIT_SDP_OWN_BYTES	5120	/* a description of ours: one audio m-line with keys and candidates, and the refused ones */
#define LIMIT_SDP_CRYPTOS	5	/* SDES suites that we offer: all we have */
#define LIMIT_SDP_MID_BYTES	33	/* name of an m-line for BUNDLE; browsers write "0" */
#define LIMIT_SDP_REFUSED_BYTES	96	/* kind, protocol and one format of an m-line that is refused */

/* SIP on the wire */
#define LIMIT_UA_LISTENS	16
#define LIMIT_UA_CONNS		4096	/* TCP, TLS and WebSocket connections: file descriptors are shared with RTP and the API */
#define LIMIT_UA_CONN_OUT_BYTES	(1 << 20) /* unsent on one connection: a peer that does not read for that long is gone */
#define LIMIT_UA_FRAME_MS	10000	/* for the rest of a message once it began: against connections held open by drops */
#define LIMIT_UA_FIRST_MS	20000	/* for the first message of an accepted connection */
#define LIMIT_UA_SHAKE_MS	8000	/* TLS handshake and HTTP upgrade of an accepted connection together: four lost round trips */
#define LIMIT_UA_SHAKING	256	/* accepted connections in them at once: beyond it the oldest gives way */
#define LIMIT_UA_LINGER_MS	1000	/* for a refused upgrade's words to arrive */
#define LIMIT_UA_WS_PING_MS	25000	/* without a word from a browser; NATs and proxies forget after 30 to 60 s */
#define LIMIT_UA_WS_ORIGINS	32
#define LIMIT_UA_TLS_CLIENTS	1024	/* lines with TLS settings of their own */
#define LIMIT_UA_SENDS		4096	/* messages that wait for a name or a connection */
#define LIMIT_UA_TARGETS	16	/* tried for one message: RFC 3263 §4.3 */
#define LIMIT_UA_SOURCES	4096	/* IP addresses with a token bucket; the least recent give way */
#define LIMIT_UA_AVOIDED	64	/* targets that failed lately */
#define LIMIT_UA_AVOID_MS	30000	/* long enough to get calls through, short enough to notice a restart */
#define LIMIT_UA_TRUST_MS	600000	/* after our last request to an address */
#define LIMIT_UA_UDP_OUT_BYTES	(256 << 10) /* collected between two sendmmsg */
#define LIMIT_UA_RECENT		512	/* UDP requests an ICMP error can still be told of */

/* TLS */
#define LIMIT_TLS_SESSIONS	64	/* kept to resume, of one set of settings: one or two a peer */
#define LIMIT_TLS_FILE_BYTES	(1 << 20) /* a certificate chain or a file of CAs */

/* WebSocket */
#define LIMIT_WS_HEAD_BYTES	8192	/* of an opening handshake: a browser with cookies sends 1 to 4 KB */
#define LIMIT_WS_HEADERS	64	/* fields in it; browsers send about 15 */

/* DNS */
#define LIMIT_DNS_ENTRIES	1024
#define LIMIT_DNS_WAITING	4096
#define LIMIT_DNS_RECORDS	32	/* of one answer */
#define LIMIT_DNS_TTL_MIN_S	5	/* a TTL of 0 would ask again for every retransmission */
#define LIMIT_DNS_TTL_MAX_S	3600
#define LIMIT_DNS_NEGATIVE_S	10
#define LIMIT_DNS_STALE_S	86400

/* RTP and audio */
#define LIMIT_RTP_PACKET_BYTES	1500	/* one Ethernet frame */
#define LIMIT_PTIME_MS		120	/* longest packet that is played (Opus' own limit) */
#define LIMIT_JBUF_SLOTS	128	/* packets in a jitter buffer: 300 ms of 3 ms packets, 2.5 s of 20 ms ones */
#define LIMIT_RTCP_BLOCKS	31	/* kept of one datagram: what the 5-bit count of a single report can say */
#define LIMIT_RTCP_BYES		31
#define LIMIT_RTCP_PACKETS	32	/* in one compound: a frame has no room for more than that with content */
#define LIMIT_RTT_MS		30000	/* a longer round trip is a clock step or a lie */
#define LIMIT_DTMF_QUEUE	64	/* digits waiting to be sent: calling card and account numbers together */
#define LIMIT_DTMF_COLLECT	64	/* keys of one entry: two card numbers with their dates */
#define LIMIT_RTP_GUARD_SOURCES	4	/* addresses on probation at once; more replace the stalest */
#define LIMIT_SRTP_SOURCES	16	/* SSRCs of one key whose counters are kept: a PBX changes it when it connects us elsewhere */
#define LIMIT_WAV_BYTES		(256u << 20)	/* a prompt or test file held in memory: 45 minutes of 48 kHz mono */
#define LIMIT_WAV_CHUNKS	1000	/* headers looked through for the audio before a file is given up */

/* STUN, TURN and ICE */
#define LIMIT_STUN_BYTES	1400	/* a message that we write or whose integrity we check: it must fit a datagram unfragmented */
#define LIMIT_STUN_USER_BYTES	513	/* RFC 8489 §14.3 */
#define LIMIT_STUN_TEXT_BYTES	763	/* realm, nonce, software, reason: RFC 8489 §14.8 to §14.14 */
#define LIMIT_STUN_UNKNOWN	8	/* named in a 420: enough to see what the peer is */

#define LIMIT_TURN_TEXT_BYTES	256	/* user and password */
#define LIMIT_TURN_ALGORITHMS_BYTES 64	/* PASSWORD-ALGORITHMS of a server: there are two to be named */
#define LIMIT_TURN_PEERS	24	/* permissions and channels of one allocation: the peer's candidates */
#define LIMIT_ICE_LOCALS	8	/* candidates of ours: the socket, its addresses outside, relays */
#define LIMIT_ICE_PAIRS		100	/* RFC 8445 §6.1.2.5 */
#define LIMIT_ICE_EARLY		8	/* sources whose checks came before the peer's description */
#define LIMIT_ICE_CANDIDATES	24	/* kept of one side: a laptop with VPNs has 10; checks cost their product */

/* Media engine */
#define LIMIT_MEDIA_STREAMS	8192	/* legs of one process; beyond it ports and memory bandwidth are the bound anyway */
#define LIMIT_MEDIA_WORKERS	64
#define LIMIT_MEDIA_COMMANDS	1024	/* waiting for one worker: taken each 5 ms, so 200,000 a second */
#define LIMIT_MEDIA_BURST	8	/* datagrams read from a leg in one 20 ms tick; more waits in the kernel for the next */
#define LIMIT_MEDIA_ARRIVALS	512	/* STUN and DTLS datagrams waiting for the control thread: a tick of 64 handshakes */
#define LIMIT_MEDIA_CLIP_MS	(60 * 60 * 1000) /* a prompt or music file */
#define LIMIT_MIX_MEMBERS	64	/* conference: a large class; the cost grows with each */
#define LIMIT_PORT_UP_FRAMES	32	/* 640 ms: longer than an agent thread may stall */
#define LIMIT_PORT_DOWN_FRAMES	64	/* 1.28 s ahead of the wire; the rest waits at the agent */
#define LIMIT_RECORD_FRAMES	64	/* 1.28 s per recorder and side: a disk that stalls longer loses frames, counted */

/* Text that people configure or that peers send for display */
#define LIMIT_NAME_BYTES	256
#define LIMIT_CALLID_BYTES	256

/* Speech engines */
#define LIMIT_GRAMMAR_BYTES	(256 << 10) /* source text of one grammar; the receptionist's has 12 kB */
#define LIMIT_GRAMMAR_NODES	32768	/* words and groups of it */
#define LIMIT_GRAMMAR_DEPTH	24	/* groups and rules inside each other: the walk is recursive */
#define LIMIT_GRAMMAR_CONTEXTS	32
#define LIMIT_GRAMMAR_STEPS	1000000	/* words and groups when every rule is written out: decoders hold that in memory */
#define LIMIT_AUTOMATON_STATES	20000	/* of one context; the receptionist needs some hundreds */
#define LIMIT_COMPUTE_THREADS	8
#define LIMIT_COMPUTE_QUEUE	256	/* jobs that wait: streams and replies of as many calls, each queues one at a time */
#define LIMIT_STT_STREAMS	256	/* calls that an embedded engine hears; few of them talk at the same moment */
#define LIMIT_STT_GRAMMARS	64	/* flows that an embedded engine listens for; a decoder compiles a context when it is first used */
#define LIMIT_STT_LOADS		4	/* sets of grammars waiting to be compiled: reloads in quick succession */
#define LIMIT_STT_WORDS		96	/* words of one final: 30 s of fast speech */
#define LIMIT_STT_UTTERANCE_MS	30000	/* a longer turn is cut: its audio is kept whole for the final decode */
#define LIMIT_TTS_TEXT_BYTES	2000	/* one request: about two minutes of speech */
#define LIMIT_TTS_CACHE_BYTES	(8 << 20) /* phrases kept: four minutes at 16 kHz; prompts repeat, read-backs do not */
#define LIMIT_TTS_QUEUE		32	/* requests of one session that wait: a reply's sentences */

/* Flows */
#define LIMIT_FLOW_SLOTS	24	/* of one flow: a bit each, and their values are copied at each turn */
#define LIMIT_FLOW_VARIABLES	48
#define LIMIT_FLOW_VARIABLE_BYTES 200	/* a value that a tool or a step sets; 10 kB a call with all of them */
#define LIMIT_FLOW_OPS		4000	/* operations of all steps */
#define LIMIT_FLOW_STEPS	200
#define LIMIT_FLOW_INTENTS	64
#define LIMIT_FLOW_PHRASES	400	/* of one intent */
#define LIMIT_FLOW_CLOSED_DAYS	64	/* holidays: a few years of them */
#define LIMIT_FLOW_DEPTH	12	/* answers inside each other */
#define LIMIT_FLOW_MOVES	500	/* operations in one turn: more is a loop without a question */
#define LIMIT_FLOW_BYTES	(256 << 10) /* of a flow's file; the receptionist's has 10 kB */

/* Log */
#define LIMIT_LOG_LINE_BYTES	1024	/* longer lines are cut */
#define LIMIT_LOG_QUEUE		2048	/* lines waiting for the writer: 2 MB; beyond that they are dropped and counted */

/* Lines and routes */
#define LIMIT_USAGE_NAMES	4096	/* lines and agents whose calls are counted: those of all configurations since the start */
#define LIMIT_LINE_SERVERS	8	/* configured for one line */
#define LIMIT_LINE_TARGETS	16	/* addresses of one line that are watched: LIMIT_UA_TARGETS */
#define LIMIT_LINE_HOPS		4	/* targets tried for one call: a caller does not wait for more */
#define LIMIT_ROUTE_LIST	256	/* numbers, lines or agents named in one key of a route */
#define LIMIT_TZ_BYTES		(64 << 10) /* a compiled time zone; the largest of the database has 4 kB */

/* Configuration */
#define LIMIT_CONFIG_BYTES	(4 * 1024 * 1024)
#define LIMIT_CONFIG_NODES	100000
#define LIMIT_CONFIG_ERRORS	50	/* reported at once; the rest is noise until those are mended */

/* Agents */
#define LIMIT_AGENT_PORTS	16	/* providers of one kind that configuration can name */
#define LIMIT_AGENT_CALLS	2000	/* calls of one agent thread; a 20 ms round of them must stay well below 20 ms */
#define LIMIT_AGENT_MAILBOX	8192	/* messages to an agent thread that wait: four a call */
#define LIMIT_AGENT_SAY_BYTES	2000	/* one text to say from outside: LIMIT_TTS_TEXT_BYTES */
#define LIMIT_AGENT_REPLY_BYTES	8000	/* text of one reply: eight minutes of speech; more is a mind gone astray */
#define LIMIT_AGENT_PIECES	64	/* sentences of one reply that are spoken or wait */
#define LIMIT_AGENT_CHUNK_BYTES	400	/* one piece for the tts: 25 s, so that an interruption wastes little */
#define LIMIT_AGENT_AUDIO_MS	60000	/* synthesised audio that waits to be played, a call */
#define LIMIT_AGENT_HISTORY	200	/* messages of a conversation that are kept; the oldest go first */
#define LIMIT_AGENT_HISTORY_BYTES 65536 /* and their text */
#define LIMIT_AGENT_TOOLS	8	/* tool calls of one reply */
#define LIMIT_AGENT_ROUNDS	6	/* replies in a row to tool results without a word of the caller */
#define LIMIT_AGENT_PREROLL_MS	2000	/* caller's audio kept: an onset found late, and what a fresh recogniser hears again */
#define LIMIT_AGENT_PHRASES	64	/* words a mind expects in one answer that are kept for the recogniser */
#define LIMIT_AGENT_SAYS	4	/* texts to say from outside that wait for the floor */
#define LIMIT_AGENT_RECORDED	32	/* phrases synthesised beforehand, one a voice and language */
#define LIMIT_PROMPTS		512	/* recorded phrases of one agent: all that a large menu says */
#define LIMIT_PROMPT_BYTES	600	/* words of one: a piece for the tts may be that much longer while it may still become one */
#define LIMIT_PROMPT_MS		60000	/* audio of one: longer than any greeting; hold music is a clip */
#define LIMIT_PROMPTS_BYTES	(64 << 20) /* of one agent, both rates: 22 minutes */
#define LIMIT_SCRIPT_LINES	64	/* lines of a scripted caller */

/* Calls */
#define LIMIT_CALL_LINES	4096	/* utterances kept of one call: hours of talk */
#define LIMIT_CALL_HISTORY	500	/* records of ended calls in memory */
#define LIMIT_CALL_PARKED	100	/* slots of the car park: what two digits name */
#define LIMIT_CALL_QUEUES	16	/* lines of waiting callers that are configured */
#define LIMIT_CALL_QUEUE_MEMBERS 16	/* humans of one */
#define LIMIT_CALL_QUEUED	100	/* callers in one line: more wait longer than anybody does */
#define LIMIT_CALL_ROOMS	64	/* conferences at once */
#define LIMIT_CALL_RECORDINGS	32	/* files of one call: a bit each */
#define LIMIT_CALL_XFER_TARGETS	8	/* fall-backs of one transfer: nobody waits for more */
#define LIMIT_CALL_EVENTS	16384	/* messages from media workers and agents waiting for the signalling loop */
#define LIMIT_STORE_WAITING	8192	/* records that wait for the disk: two hours of a busy day while it is full */
#define LIMIT_OUTBOX_WAITING	5000	/* events that wait for one webhook: a day of a busy office */
#define LIMIT_LLM_ROUTE		4	/* minds that stand in for each other */
#define LIMIT_PROVIDERS		14	/* providers: of a configuration; a port of one kind each, besides the embedded ones */
#define LIMIT_WEB_REQUESTS	4096	/* HTTP requests to providers and tools under way: two a call */
#define LIMIT_SSE_BYTES		(256 << 10) /* one server-sent event: a model's whole tool call at the most */
#define LIMIT_WEBHOOKS		8	/* endpoints: each has a thread */
#define LIMIT_TRACE_BYTES	(16 * 1024 * 1024) /* SIP messages kept by the flight recorder: some 20,000 */
#define LIMIT_TRACE_MESSAGE_BYTES 4096

/* API */
#define LIMIT_API_BODY_BYTES	65536	/* a call's parameters are a few hundred bytes */
#define LIMIT_API_REQUESTS	256	/* waiting for the signalling loop */
#define LIMIT_API_REPEATS	1000	/* answers kept for requests with an Idempotency-Key */
#define LIMIT_API_REPEAT_MS	86400000 /* for so long */
#define LIMIT_API_KEYS		64	/* each is compared with each request's: an integration has one, a person has one */
#define LIMIT_API_KEYS_BYTES	16384	/* their file, with comments */
#define LIMIT_API_SOURCES	256	/* of wrong keys that are counted: who has been silent for the longest is forgotten */
#define LIMIT_API_WRONG_KEYS	10	/* of one source in LIMIT_API_WRONG_MS; then 429, and no line in the log for each */
#define LIMIT_API_WRONG_MS	60000
#define LIMIT_EVENTS_KEPT	20000	/* for those who come back: ten minutes of 200 calls */
#define LIMIT_EVENTS_BYTES	(32 << 20) /* and their text */
#define LIMIT_EVENTS_POSTED	8192	/* on their way to the API thread */
#define LIMIT_EVENT_READERS	64	/* of the stream at once: consoles, supervisors, integrations */
#define LIMIT_EVENT_TYPES	16	/* patterns of one reader */
