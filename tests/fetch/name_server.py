"""A name server on loopback whose answers a test writes, and a resolver that asks it over UDP."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import cast

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset

Say = str | Sequence[str]
"""Addresses, names that the name stands for (`CNAME`), `servfail` or `silence`."""
_TYPES = {dns.rdatatype.A: 4, dns.rdatatype.AAAA: 6}


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """Authoritative for everything. A name has what it says at each lookup, in turn; the last one stays."""

    zone: dict[str, list[Say]] = field(default_factory=dict)
    questions: list[tuple[str, dns.rdatatype.RdataType]] = field(default_factory=list)

    @property
    def asked(self) -> list[str]:
        """The names that were looked up. The resolver asks for IPv6, then for IPv4: two questions, one lookup."""
        return [name for name, kind in self.questions if kind == dns.rdatatype.AAAA]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.DatagramTransport", transport)  # uvloop's and asyncio's have no class in common

    @property
    def port(self) -> int:
        port: int = self.transport.get_extra_info("sockname")[1]
        return port

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        answer = self._answer(query)
        if answer is not None:
            self.transport.sendto(answer.to_wire(), addr)

    def _answer(self, query: dns.message.Message) -> dns.message.Message | None:
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.AA
        said = self._said(name, question.rdtype)
        if said == "silence":
            return None
        if said == "servfail" or said is None:
            answer.set_rcode(dns.rcode.SERVFAIL if said else dns.rcode.NXDOMAIN)
        else:
            self._add(answer, name, question.rdtype, [said] if isinstance(said, str) else said)
        return answer

    def _said(self, name: str, kind: dns.rdatatype.RdataType) -> Say | None:
        turns, before = self.zone.get(name), self.questions.count((name, kind))
        self.questions.append((name, kind))
        return turns[min(before, len(turns) - 1)] if turns else None

    def _add(self, answer: dns.message.Message, name: str, kind: dns.rdatatype.RdataType, said: Sequence[str]) -> None:
        aliases = [one for one in said if not _is_address(one)]
        for alias in aliases:
            answer.answer.append(dns.rrset.from_text(f"{name}.", 0, "IN", "CNAME", f"{alias}."))
            self._add(answer, alias, kind, [said for turn in self.zone[alias] for said in turn])
        fitting = [one for one in said if one not in aliases and ip_address(one).version == _TYPES.get(kind)]
        if fitting:
            answer.answer.append(dns.rrset.from_text_list(f"{name}.", 0, "IN", dns.rdatatype.to_text(kind), fitting))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


@asynccontextmanager
async def serving_names(**zone: list[Say]) -> AsyncIterator[NameServer]:
    """The server, until the end of the block. In the names an underscore stands for a dot."""
    written = {name.replace("_", "."): says for name, says in zone.items()}
    _, server = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: NameServer(written), local_addr=("127.0.0.1", 0)
    )
    try:
        yield server
    finally:
        server.transport.close()
        await asyncio.sleep(0)


def resolver_of(server: NameServer, seconds: float = 60.0) -> Callable[[str], Awaitable[Sequence[str]]]:
    """A stub resolver that asks this server and no other, without a memory."""
    resolver = dns.asyncresolver.Resolver(configure=False)
    resolver.nameservers = ["127.0.0.1"]
    resolver.port = server.port
    resolver.lifetime = resolver.timeout = seconds

    async def resolve(host: str) -> Sequence[str]:
        try:
            found = await resolver.resolve_name(f"{host}.", socket.AF_UNSPEC)
        except dns.exception.DNSException as error:
            raise socket.gaierror(socket.EAI_NONAME, type(error).__name__) from None
        return list(found.addresses())

    return resolve
