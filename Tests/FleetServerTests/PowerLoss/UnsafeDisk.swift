import Foundation
import Testing

/// A disk that keeps what was synchronised, and of all else whatever chance leaves: single sectors of 512 bytes, in any
/// order, and entries of folders, each by itself. Only a rename is done or not as a whole.
struct UnsafeDisk {
  private static let sector = 512

  /// What a file may hold after a power cut.
  private struct File {
    /// What is on the disk for certain.
    var kept: [UInt8] = []
    /// What a reader saw after each call since, the latest last.
    var later: [[UInt8]] = []

    var now: [UInt8] { later.last ?? kept }

    /// Each sector, and the size, by itself as of any moment since the file was synchronised.
    func survivor(_ chance: inout SeededGenerator) -> [UInt8] {
      guard !later.isEmpty else { return kept }
      let versions = [kept] + later
      let size = versions.randomElement(using: &chance)?.count ?? 0
      var bytes = [UInt8](repeating: 0, count: size)
      for start in stride(from: 0, to: size, by: UnsafeDisk.sector) {
        guard let version = versions.randomElement(using: &chance), version.count > start else { continue }
        let end = min(start + UnsafeDisk.sector, size, version.count)
        bytes.replaceSubrange(start..<end, with: version[start..<end])
      }
      return bytes
    }
  }

  private var files: [File] = []
  /// What a name has meant from a step on; `nil` for nothing.
  private struct Meaning {
    var step: Int
    var file: Int?
  }

  /// What each name has meant since its folder was synchronised, the first for certain.
  private var names: [String: [Meaning]] = [:]
  private var step = 0

  /// A disk on which the folder's files are for certain.
  init(folder: String) throws {
    for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? [] {
      let path = folder + "/" + name
      var isFolder: ObjCBool = false
      guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue,
        !name.hasSuffix("-shm")
      else { continue }
      names[name] = [Meaning(step: 0, file: files.count)]
      files.append(File(kept: [UInt8](try Data(contentsOf: URL(filePath: path)))))
    }
  }

  private func file(_ name: String) throws -> Int { try #require(names[name]?.last?.file, "\(name) is there") }

  private mutating func enter(_ name: String, _ file: Int?) {
    names[name, default: [Meaning(step: 0, file: nil)]].append(Meaning(step: step, file: file))
  }

  private static func folder(of name: String) -> String {
    name.lastIndex(of: "/").map { String(name[..<$0]) } ?? "."
  }

  mutating func apply(_ call: RecordedCall) throws {
    step += 1
    switch call {
    case .create(let name):
      enter(name, files.count)
      files.append(File())
    case .write(let name, let offset, let bytes):
      try change(name) { content in
        if content.count < offset + bytes.count {
          content += [UInt8](repeating: 0, count: offset + bytes.count - content.count)
        }
        content.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
      }
    case .truncate(let name, let size):
      try change(name) { content in
        if content.count > size {
          content.removeSubrange(size...)
        } else {
          content += [UInt8](repeating: 0, count: size - content.count)
        }
      }
    case .synchronise(let name):
      // Of a folder its entries, of a file its bytes.
      if let index = names[name]?.last?.file {
        files[index] = File(kept: files[index].now)
      } else {
        for (entry, meant) in names where Self.folder(of: entry) == name {
          names[entry] = meant.last.map { [Meaning(step: 0, file: $0.file)] }
        }
      }
    case .rename(let name, let target):
      enter(target, try file(name))
      enter(name, nil)
    case .unlink(let name): enter(name, nil)
    case .reply: break
    }
  }

  private mutating func change(_ name: String, _ body: (inout [UInt8]) -> Void) throws {
    let index = try file(name)
    var content = files[index].now
    body(&content)
    files[index].later.append(content)
  }

  /// Writes to `folder` what is there after a power cut now.
  func survive(in folder: String, _ chance: inout SeededGenerator) throws {
    // Every rename here is of NAME.new to NAME: both are as of one moment.
    let pairs = Dictionary(grouping: names.keys) { $0.hasSuffix(".new") ? String($0.dropLast(4)) : $0 }
    for (_, pair) in pairs.sorted(by: { $0.key < $1.key }) {
      let moment = pair.flatMap { names[$0] ?? [] }.map(\.step).sorted().randomElement(using: &chance) ?? 0
      for name in pair.sorted() { try write(name, as: moment, in: folder, &chance) }
    }
  }

  private func write(_ name: String, as moment: Int, in folder: String, _ chance: inout SeededGenerator) throws {
    guard let index = names[name]?.last(where: { $0.step <= moment })?.file else { return }
    try Data(files[index].survivor(&chance)).write(to: URL(filePath: folder + "/" + name))
    chmod(folder + "/" + name, 0o600)
  }
}
