import { describe, expect, it } from "@effect/vitest"
import { converse, serve, stop } from "../program.ts"
import { ask, hasRedis, startRedis } from "./oracle.ts"

/** Commands whose answers depend on nothing but the commands before them. */
const commands = `
PING
PING "a b"
ECHO "a\\x00\\xffb"
SET a hello
GET a
GET none
SET a again NX
SET none x XX
SET a new GET
SET e 5 EX 100
TTL e
SET e 6 KEEPTTL
TTL e
INCR e
DECRBY e 10
TTL e
SET e 7
TTL e
SET a 1 EX 0
SET a 1 NX XX
SET a 1 BAD
SETEX s 0 v
APPEND a !!
STRLEN a
GETRANGE a -3 -1
INCR a
INCR
MSET x 1 y 2 z 3
MSET x 1 y
MGET x y nope z
MSETNX x 1 w 2
MSETNX x 1 w
INCRBY nope 01
INCRBY nope -0
SETEX nope 01 v
SETNX w 5
GETSET w 6
GETDEL w
SET big 9007199254740991
INCR big
INCR big
DECRBY big 9007199254740994
SET big 9223372036854775806
INCRBY big 1
INCRBY big 1
DECRBY big -9223372036854775808
INCRBY big 9223372036854775808
INCRBY big -9223372036854775807
HSET numbers large 9223372036854775806
HINCRBY numbers large 1
HINCRBY numbers large 1
HINCRBY big large x
SET f 1e-7
INCRBYFLOAT f 1e-7
SET a 1 EX 9223372036854775807
SET a 1 PX 9223372036854775807
SETEX a 9223372036854775807 v
SET a 1 NX NX
SET a 1 EX 10 PX 10
SET e 1
GETEX e PERSIST EX 10
GETEX e EX 9223372036854775807
GETEX nope EX 0
GETEX e PERSIST PERSIST
EXPIRE e 100 NX XX
EXPIRE e 100 GT LT
EXPIRE e 100 XX LT
EXPIRE e 100 LATER
EXPIRE nope 100 LATER
EXPIRE e 9223372036854775807
EXPIRE e 9223372036854775
PEXPIRE e 9223372036854775807
PEXPIREAT e 9223372036854775807
EXPIRE e -9223372036854775807
PEXPIRE e -9223372036854775808
EXISTS e
GETRANGE f 0 9223372036854775807
GETRANGE f -2 -100
GETRANGE f -100 -101
GETRANGE numbers x 1
LRANGE numbers x 1
LTRIM numbers x 1
ZRANGE numbers x 1
LRANGE nope -9223372036854775808 9223372036854775807
LINDEX nope x
RPUSH l 1
LPOP l x
LPOP l -1
DEL l
SCAN 0 COUNT 0
FLUSHDB NOW
ZADD z NX XX 1 a
ZADD z NX NX 1 a
ZADD z 1e400 a
XADD a x b c
XADD a x b
XADD a NOMKSTREAM MAXLEN 5
XADD v LIMIT 5 1-1 a b
XADD v MAXLEN 5 LIMIT 5 1-1 a b
XADD v MAXLEN -1 1-1 a b
XADD v MAXLEN 5 MINID 5 1-1 a b
XADD v MAXLEN ~ 5 LIMIT 5 1-1 a b
XRANGE v - + COUNT 0
XRANGE v - + COUNT -1
XRANGE nope - + COUNT 0
XREAD COUNT 0 STREAMS v 0
XREAD BLOCK x STREAMS v 0
XREAD BLOCK -1 STREAMS v 0
XREAD COUNT 1 STREAMS
XREAD STREAMS a x
XREAD STREAMS a 18446744073709551615-18446744073709551615
XRANGE v - x COUNT x
XDEL nope x
XINFO STREAM
XINFO NOSUCH
EXISTS x y nope x
DEL x nope
INCRBYFLOAT y 0.5
TYPE a
TYPE nope
EXPIRE a 100 XX
EXPIRE a 100
EXPIRE a 50 GT
PERSIST a
PERSIST a
PTTL a
PTTL nope
EXPIRE nope 10
EXPIRE y -1
EXISTS y
LPUSH l 1 2 3
RPUSH l 9 8
LRANGE l 0 -1
LRANGE l 1 1
LRANGE l 5 9
LINDEX l -1
LLEN l
LTRIM l 1 -2
LRANGE l 0 -1
LPOP l
RPOP l 5
LPOP l
LPOP l 2
EXISTS l
LPUSHX l 1
LPUSH a 1
GET h
HSET h f v g w
HSET h f v2
HGET h f
HMGET h f nope
HGETALL h
HINCRBY h n 5
HINCRBY h f 1
HINCRBY h n 01
HDEL h f g nope
HLEN h
HDEL h n
TYPE h
GET l
ZADD q 2 b 1 a 3 c
ZADD q NX 5 a 4 d
ZADD q XX CH 0 a
ZADD q bad a
ZADD q " 1" a
ZADD q 0b1 a
ZADD nope +.5 a -1.e1 b
ZRANGE nope 0 -1 WITHSCORES
DEL nope
ZRANGE nope 0 x
ZRANGEBYSCORE nope 0 x
ZREMRANGEBYSCORE nope x 0
ZSCORE q c
ZRANGE q 0 -1 WITHSCORES
ZRANGEBYSCORE q (0 3 LIMIT 0 1
ZRANGEBYSCORE q -inf +inf
ZREMRANGEBYSCORE q -inf (3
ZREM q c d
EXISTS q
XADD s 1-1 a 1
XADD s 1-1 a 1
XADD s 0-0 a 1
XADD s 2-* b 2
XADD s 2-* b 3 c 4
XADD s MAXLEN ~ 100 5-1 d 5
XADD s NOMKSTREAM 4 a b
XADD none NOMKSTREAM 4-1 a b
XLEN s
XRANGE s - +
XRANGE s (1-1 2 COUNT 1
XRANGE nope - x
XREVRANGE nope - x
XREVRANGE s + - COUNT 2
XREAD COUNT 1 STREAMS s 1-1
XREAD STREAMS s $
XTRIM s MAXLEN 2
XDEL s 5-1 9-9
XLEN s
XADD s 5-1 a b
DEL u
XADD u 9007199254740991-9007199254740991 a 1
XADD u 9007199254740991-* b 2
XADD u 9007199254740993-18446744073709551615 c 3
XADD u 9007199254740992-1 d 4
XADD u * e 5
XADD u 18446744073709551616-0 f 6
XADD u 18446744073709551615-18446744073709551614 g 7
XADD u 18446744073709551615-* h 8
XADD u 18446744073709551615-* h 8
XADD u * i 9
XRANGE u - +
XRANGE u (9007199254740991-9007199254740991 +
XREVRANGE u (18446744073709551615-18446744073709551615 (9007199254740992
XRANGE u (18446744073709551615-18446744073709551615 +
XREVRANGE u (0-0 -
XREAD STREAMS u 18446744073709551615-18446744073709551615
XREAD STREAMS u 9007199254740993-18446744073709551615
XTRIM u MINID 9007199254740994
XDEL u 18446744073709551615-18446744073709551615
XLEN u
MULTI
SET t 1
INCR t
LPUSH t 1
EXEC
MULTI
NOSUCH
EXEC
EXEC
DISCARD
MULTI
SET t 2
EXEC now
EXEC
MULTI
LPOP nope 1
BLPOP nope 1
XRANGE v - + COUNT 0
EXEC
EXEC now
MULTI
CLIENT NOSUCH
EXEC
MULTI
MULTI
MULTI now
EXEC
MULTI
SET t 2
DISCARD
GET t
BLPOP none 0.01
RPUSH l 7
BLPOP none l 1
XREAD BLOCK 10 STREAMS nope $
PUBLISH nobody hello
PUBSUB NUMSUB a
NOSUCH a b
NOSUCH größe
NOSUCH ${"a".repeat(200)} b
NOSUCH ${"a ".repeat(50)}
GET a b
SELECT 0
SELECT 99
HELLO x
HELLO 5
HELLO 3 NOSUCH
HELLO 2 SETNAME
CLIENT SETNAME "a b"
CLIENT GETNAME
CLIENT SETNAME
CLIENT SETNAME me
CLIENT GETNAME
CLIENT SETNAME ""
CLIENT GETNAME now
CLIENT LIST NOSUCH
CLIENT NO-EVICT maybe
CONFIG GET maxmemory-policy
CONFIG GET
CONFIG NOSUCH
COMMAND COUNT now
INFO NOSUCH
PUBSUB CHANNELS a b
PUBSUB NUMPAT now
KEYS *nope*
MSET q]z 1 qnz 1
KEYS q[a]z
KEYS q[]]z
KEYS q[\\]]z
KEYS q[^\\]-a]z
KEYS q[z-a]z
KEYS q[z-a
KEYS q[^n
KEYS q[n-]z
KEYS q[]z
DEL q]z qnz
SCAN 0 MATCH nope* COUNT 1000
OBJECT
EVAL "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end" 1 t 5
EVAL "if redis.call('get',KEYS[1]) == ARGV[1] then return redis.call('del',KEYS[1]) else return 0 end" 1 t 2
EVALSHA ffffffffffffffffffffffffffffffffffffffff 0
EVALSHA ffffffffffffffffffffffffffffffffffffffff x
EVALSHA ffffffffffffffffffffffffffffffffffffffff 1
EVALSHA ffffffffffffffffffffffffffffffffffffffff -1
SCRIPT EXISTS
SCRIPT FLUSH NOW
FLUSHALL
DBSIZE
`.trim().split("\n").filter((line) => line !== "OBJECT")

/** Of the 100 seconds of a key some may be over. */
const steady = (answers: string): string => answers.replaceAll(/\(integer\) (9\d|100)$/gm, "some 100")

describe.skipIf(!hasRedis)("redis server", () => {
  it("answers redis-cli as Redis does, in RESP2 and in RESP3", async () => {
    const redis = await startRedis()
    const server = await serve("redis server")
    for (const protocol of ["-2", "-3"]) {
      const expected = await ask(["-s", redis, protocol], commands)
      expect(steady(await ask(["-p", String(server.port), protocol], commands))).toBe(steady(expected))
    }
    const inline = "SET 'a b' \"x\\ty\"\r\nGET \"a b\"\nGET 'open\r\n"
    expect(await converse({ port: server.port }, inline)).toBe(await converse({ path: redis }, inline))
    // What a page in a browser could send.
    const body = "SET posted 1\r\nGET posted\r\n"
    for (const request of ["POST / HTTP/1.1\r\n", "GET / HTTP/1.1\r\nHost: localhost\r\n"]) {
      const replies = await converse({ port: server.port }, `${request}\r\n${body}`)
      expect(replies.split("\r\n").slice(-2)).toEqual(["-ERR Protocol error: HTTP request", ""])
    }
    expect((await stop(server)).code).toBe(0)
  })
})
