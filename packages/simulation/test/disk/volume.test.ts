import { assert, describe, expect, it } from "@effect/vitest"
import * as Fs from "node:fs"
import { Errno, toPlatformError } from "../../src/internal/disk/errno.ts"
import { Volume } from "../../src/internal/disk/volume.ts"
import { RandomStream } from "../../src/internal/time/random.ts"

const sectors = 40

const volumeOf = () =>
  new Volume({
    capacity: sectors * 512,
    sectorSize: 512,
    random: new RandomStream(1, "disk"),
    now: () => 0,
    wallClock: () => 0
  })

const codeOf = (call: () => unknown): string => {
  try {
    call()
    return "ok"
  } catch (error) {
    return (error as Errno).code
  }
}

const writing = { reads: true, writes: true, appends: false, isExclusive: false, truncates: false, noFollow: false }

const write = (volume: Volume, path: string, size: number) => {
  const file = volume.open(path, { ...writing, creates: true })
  if (file._tag === "File") file.content.write(0, new Uint8Array(size))
  volume.close(file)
}

/** Free sectors: as many directories as can be made. */
const free = (volume: Volume): number => {
  let count = 0
  while (codeOf(() => volume.makeDirectory(`/free ${count}`)) === "ok") count++
  expect(codeOf(() => volume.symlink("x", "/other"))).toBe("ENOSPC")
  for (let index = 0; index < count; index++) volume.removeDirectory(`/free ${index}`)
  return count
}

const sync = (volume: Volume, path: string) => {
  const node = volume.find(path, "fsync")
  assert(node._tag !== "SymbolicLink")
  volume.sync(node).end()
}

describe("the space of a disk", () => {
  const kinds: Record<string, readonly [sectors: number, make: (volume: Volume) => void]> = {
    "a directory": [1, (volume) => volume.makeDirectory("/d")],
    "a symbolic link": [1, (volume) => volume.symlink("/file", "/d")],
    "an empty file": [1, (volume) => write(volume, "/d", 0)],
    "a file": [3, (volume) => write(volume, "/d", 513)],
    "another name of a file": [0, (volume) => volume.link("/file", "/d")],
    "another name of a link": [0, (volume) => volume.link("/link", "/d")]
  }

  it("is taken by what is made, and free again when its last name is gone", () => {
    for (const [kind, [size, make]] of Object.entries(kinds)) {
      const volume = volumeOf()
      write(volume, "/file", 10)
      volume.symlink("/file", "/link")
      const before = free(volume)
      expect(before).toBe(sectors - 4)
      for (const isReplaced of [false, true]) {
        make(volume)
        const spaces = [free(volume)]
        const isDirectory = volume.find("/d", "stat", false)._tag === "Directory"
        if (isReplaced) {
          if (isDirectory) volume.makeDirectory("/new")
          else write(volume, "/new", 0)
          volume.rename("/new", "/d")
          spaces.push(free(volume))
        }
        if (isDirectory) volume.removeDirectory("/d")
        else volume.unlink("/d")
        const expected = isReplaced ? [before - size, before - 1, before] : [before - size, before]
        expect([kind, ...spaces, free(volume)]).toEqual([kind, ...expected])
      }
    }
  })

  it("is the same after a loss of power, whose files have the names that were synced", () => {
    const volume = volumeOf()
    volume.makeDirectory("/d")
    volume.makeDirectory("/d/in")
    write(volume, "/d/in/file", 1000)
    volume.link("/d/in/file", "/d/name")
    volume.symlink("file", "/d/in/link")
    volume.link("/d/in/link", "/d/in/again")
    sync(volume, "/d/in/file")
    for (const path of ["/", "/d", "/d/in"]) sync(volume, path)
    const before = free(volume)
    sync(volume, "/")
    write(volume, "/lost", 2000)
    const open = volume.open("/d/name", { ...writing, creates: false })
    volume.crash()
    if (codeOf(() => volume.find("/lost", "stat")) === "ok") volume.unlink("/lost")
    expect(free(volume)).toBe(before)
    expect([...volume.readDirectory("/d/in").entries.keys()].sort()).toEqual(["again", "file", "link"])
    expect([volume.realPath("/d/in/again"), open === volume.find("/d/in/file", "stat")]).toEqual(["/d/in/file", true])
    // The file has two names, and no handle.
    volume.unlink("/d/name")
    expect(free(volume)).toBe(before)
    volume.unlink("/d/in/file")
    expect(free(volume)).toBe(before + 3)
    volume.unlink("/d/in/link")
    expect(free(volume)).toBe(before + 3)
    volume.unlink("/d/in/again")
    expect(free(volume)).toBe(before + 4)
  })
})

describe("the paths of a disk (path_resolution(7))", () => {
  const volume = volumeOf()
  volume.makeDirectory("/a")
  volume.makeDirectory("/a/b")
  write(volume, "/a/b/file", 1)
  const links = { "/up": "a/b/..", "/here": "a/b/.", "/root": "/", "/a/link": "b", "/far": "/a/link/file" }
  for (const [path, target] of Object.entries(links)) volume.symlink(target, path)

  it("lead through links to a directory or a file, whose own path has none", () => {
    const paths = {
      "/": "/",
      "/.": "/",
      "/..": "/",
      "/root": "/",
      "/a": "/a",
      "a/b/": "/a/b",
      "/up": "/a",
      "/here": "/a/b",
      "/a/link": "/a/b",
      "/a/link/file": "/a/b/file",
      "/far": "/a/b/file",
      "/root/up/link/file": "/a/b/file",
      "//a//./b/../b/file": "/a/b/file"
    }
    for (const [path, real] of Object.entries(paths)) expect([path, volume.realPath(path)]).toEqual([path, real])
    expect(codeOf(() => volume.realPath("/a/none"))).toBe("ENOENT")
    expect(codeOf(() => volume.find("/a/b/file/x", "stat"))).toBe("ENOTDIR")
    expect(codeOf(() => volume.find("/far/", "stat"))).toBe("ENOTDIR")
    expect(codeOf(() => volume.find("", "stat"))).toBe("ENOENT")
  })

  it("have names of at most 255 bytes, 4,095 in all, and at most 40 links", () => {
    const long = (name: string) => codeOf(() => volume.find(`/${name}`, "stat"))
    for (const name of ["x".repeat(255), "é".repeat(127), "€".repeat(85)]) {
      expect([long(name), long(`${name}x`)]).toEqual(["ENOENT", name.startsWith("é") ? "ENOENT" : "ENAMETOOLONG"])
      expect(long(`${name}é`)).toBe("ENAMETOOLONG")
    }
    const path = `${"/a/..".repeat(819)}`
    expect([path.length, codeOf(() => volume.find(path, "stat"))]).toEqual([4095, "ok"])
    expect(codeOf(() => volume.find(`${path}/`, "stat"))).toBe("ENAMETOOLONG")
    const chain = volumeOf()
    for (let index = 0; index < 30; index++) chain.symlink(`${index - 1}`, `/${index}`)
    write(chain, "/-1", 0)
    expect(codeOf(() => chain.find("/29", "stat"))).toBe("ok")
    chain.symlink("/9", "/again")
    chain.unlink("/-1")
    chain.symlink("29", "/-1")
    expect(codeOf(() => chain.find("/9", "stat"))).toBe("ELOOP")
  })
})

it("an error of a disk has the text and the fields that Node gives it", () => {
  const fieldsOf = (error: unknown) => {
    const { code, dest, errno, message, path, syscall } = error as Record<string, unknown>
    return { code, dest, errno, message, path, syscall }
  }
  const caught = (call: () => unknown) => {
    try {
      return call()
    } catch (error) {
      return fieldsOf(error)
    }
  }
  const ours = (code: Errno["code"], syscall: string, target: string | number, other?: string) =>
    fieldsOf(toPlatformError(new Errno(code, syscall), { method: "any", target, other }).reason.cause)
  expect(ours("ENOENT", "open", "/nowhere/a")).toEqual(caught(() => Fs.openSync("/nowhere/a", "r")))
  expect(ours("ENOENT", "rename", "/nowhere/a", "/b")).toEqual(caught(() => Fs.renameSync("/nowhere/a", "/b")))
  const folder = Fs.openSync(import.meta.dirname, "r")
  expect(ours("EISDIR", "read", folder)).toEqual(caught(() => Fs.readSync(folder, Buffer.alloc(1))))
  Fs.closeSync(folder)
})
