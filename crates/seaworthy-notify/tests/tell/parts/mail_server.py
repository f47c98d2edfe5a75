"""A mail server for the tests: mail_server.py PORT OUT MODE...

Prints "ready", then appends one JSON line per accepted message to OUT. Modes: starttls, tls, auth (user sw,
password pw), later (451 to every message), reject (550 to every message), choosy (550 to recipients whose
address starts with "gone"), hang (takes the message and never answers). TLS reads cert.pem and key.pem of
the current folder.
"""

import asyncio
import email
import email.policy
import json
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

PORT, OUT, MODES = int(sys.argv[1]), sys.argv[2], set(sys.argv[3:])


class Keep:
    async def handle_RCPT(self, server, session, envelope, address, options):
        if "choosy" in MODES and address.startswith("gone"):
            return "550 5.1.1 nobody of that name"
        envelope.rcpt_tos.append(address)
        return "250 ok"

    async def handle_DATA(self, server, session, envelope):
        if "later" in MODES:
            return "451 4.3.0 try later"
        if "reject" in MODES:
            return "550 5.7.1 not wanted here"
        if "hang" in MODES:
            await asyncio.sleep(3600)
        letter = email.message_from_bytes(envelope.content, policy=email.policy.default)
        kept = {
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "subject": letter["subject"],
            "id": letter["message-id"],
            "auto": letter["auto-submitted"],
            "tls": session.ssl is not None,
            "auth": bool(session.authenticated),
            "body": letter.get_body(("plain",)).get_content(),
        }
        with open(OUT, "a", encoding="utf-8") as out:
            out.write(json.dumps(kept) + "\n")
        return "250 kept"


def authenticate(server, session, envelope, mechanism, data):
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"sw", b"pw")
    # handled=False lets the server answer 535 itself; with True the client would wait for ever.
    return AuthResult(success=good, handled=False)


def serve():
    return SMTP(
        Keep(),
        hostname="localhost",
        enable_SMTPUTF8=True,
        tls_context=CONTEXT if "starttls" in MODES else None,
        require_starttls="starttls" in MODES,
        authenticator=authenticate if "auth" in MODES else None,
        auth_required="auth" in MODES,
        auth_require_tls="starttls" in MODES,
    )


async def main():
    context = CONTEXT if "tls" in MODES else None
    server = await asyncio.get_running_loop().create_server(serve, "127.0.0.1", PORT, ssl=context)
    print("ready", flush=True)
    await server.serve_forever()


CONTEXT = None
if MODES & {"starttls", "tls"}:
    CONTEXT = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    CONTEXT.load_cert_chain("cert.pem", "key.pem")
asyncio.run(main())
