/** The zones that the tests serve. */
import * as Result from "effect/Result"
import * as masterFile from "../../src/dns/masterFile.ts"
import { Zone } from "../../src/dns/Zone.ts"

/** What is asked about, with every form that a line can have. */
export const org = `
; names without a dot at their end are relative
$ORIGIN example.org.
$TTL 1h
@       IN SOA ns hostmaster.example.org. (
            2026112601 ; serial
            2h 15m 2w  ; refresh, retry, expire
            300 )      ; minimum
        IN NS  ns
        NS     ns2.example.org.
        MX 10 mail
ns      A 192.0.2.1
ns2     300 IN A 192.0.2.2
mail    IN 600 A 192.0.2.3
        AAAA 2001:db8::3
www     CNAME web
web     A 192.0.2.10
        A 192.0.2.11
        A 192.0.2.11
out     CNAME www.example.net.
loop    CNAME loop2
loop2   CNAME loop
txt     TXT "hello; \\"world\\"" plain \\065\\\\ "tab\\009é" ""
_sip._tcp SRV 0 5 5060 sip
sip     A 192.0.2.20
*.wild  TXT wildcard
        A 192.0.2.99
deep.er.wild A 192.0.2.98
sub     NS ns.sub
        NS ns.example.net.
ns.sub  A 192.0.2.53
a\\.b    A 192.0.2.77
$ORIGIN 2.0.192.in-addr.example.org.
10      PTR web.example.org.
`

/** What another server has. */
export const net = `
$ORIGIN example.net.
$TTL 60
@ SOA ns hostmaster 1 1h 1h 1h 30
@ NS ns
ns A 198.51.100.1
www A 198.51.100.2
alias CNAME www
big TXT ${Array.from({ length: 8 }, (_, i) => String(i).repeat(250)).join(" ")}
`

export const zone = (text: string): Zone => Result.getOrThrow(Result.flatMap(masterFile.parse(text), Zone.make))
