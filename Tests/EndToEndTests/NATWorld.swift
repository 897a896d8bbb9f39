import Foundation
import Testing

/// A small internet in network namespaces: HostA and the laptop have public addresses, the box stands behind a home
/// router that masquerades, drops whatever it did not see leave, and that nobody can configure.
///
///     hosta 203.0.113.1 --+
///     laptop 203.0.113.3 --+-- internet (a bridge) -- 203.0.113.2 router 192.168.77.1 -- 192.168.77.2 box
final class NATWorld {
  static let hostAAddress = "203.0.113.1"
  let hostA: String
  let laptop: String
  let box: String
  let router: String
  private let internet: String

  /// Why namespaces cannot be made here, or `nil` if they can.
  static let obstacle: String? = {
    guard getuid() == 0 else { return "not root" }
    let name = "fleet-probe-\(getpid())"
    guard shell("ip netns add \(name)").status == 0 else { return "ip netns add is refused" }
    defer { shell("ip netns del \(name)") }
    let probe = "table ip fleet {\n chain c {\n type nat hook postrouting priority 100\n masquerade\n }\n}\n"
    return shell("ip netns exec \(name) nft -f -", input: probe).status == 0 ? nil : "nft is refused"
  }()

  /// Runs `body` in a new world and removes the world afterwards.
  static func with(_ body: (NATWorld) throws -> Void) throws {
    let world = try NATWorld()
    defer { world.remove() }
    try body(world)
  }

  private init() throws {
    let stem = "fleet-\(getpid())-\(UInt16.random(in: 0...UInt16.max))"
    (hostA, laptop, box, router, internet) = ("\(stem)-a", "\(stem)-c", "\(stem)-b", "\(stem)-r", "\(stem)-i")
    let script = """
      set -e
      for n in \(hostA) \(laptop) \(box) \(router) \(internet); do ip netns add $n; ip -n $n link set lo up; done
      ip -n \(internet) link add br0 type bridge
      ip -n \(internet) link set br0 up
      join() {
        ip -n \(internet) link add p$1 type veth peer name net0 netns $2
        ip -n \(internet) link set p$1 master br0 up
        ip -n $2 addr add 203.0.113.$1/24 dev net0
        ip -n $2 link set net0 up
      }
      join 1 \(hostA); join 2 \(router); join 3 \(laptop)
      ip -n \(router) link add lan0 type veth peer name net0 netns \(box)
      ip -n \(router) addr add 192.168.77.1/24 dev lan0
      ip -n \(router) link set lan0 up
      ip -n \(box) addr add 192.168.77.2/24 dev net0
      ip -n \(box) link set net0 up
      ip -n \(box) route add default via 192.168.77.1
      # A flow that the router did not see begin is dead without a word: that is what 'loose 0' is for.
      ip netns exec \(router) sh -ec '
        echo 1 >/proc/sys/net/ipv4/ip_forward
        nft -f -
        echo 0 >/proc/sys/net/netfilter/nf_conntrack_tcp_loose' <<END
      table ip home {
        chain forward {
          type filter hook forward priority 0; policy drop;
          ct state established,related accept
          ct state new iifname lan0 accept
        }
        chain input {
          type filter hook input priority 0; policy drop;
          iifname { lo, lan0 } accept
        }
        chain postrouting {
          type nat hook postrouting priority 100;
          oifname net0 masquerade
        }
      }
      END
      """
    let outcome = Self.shell(script)
    guard outcome.status == 0 else {
      remove()
      throw NeverHappened(what: "the namespaces are made: \(outcome)")
    }
  }

  /// The router's provider gives it another address: every flow that it knew is silently dead.
  func changeRouterAddress() throws {
    let outcome = Self.shell(
      """
      set -e
      ip -n \(router) addr del 203.0.113.2/24 dev net0
      ip -n \(router) addr add 203.0.113.9/24 dev net0
      """)
    guard outcome.status == 0 else { throw NeverHappened(what: "the router has a new address: \(outcome)") }
  }

  /// The router takes every packet and forwards none, without a word to either side.
  func swallowEverything() throws {
    let outcome = Self.shell("ip netns exec \(router) nft insert rule ip home forward drop")
    guard outcome.status == 0 else { throw NeverHappened(what: "the router swallows everything: \(outcome)") }
  }

  private func remove() {
    Self.shell("for n in \(hostA) \(laptop) \(box) \(router) \(internet); do ip netns del $n 2>/dev/null; done; true")
  }

  @discardableResult static func shell(_ script: String, input: String = "") -> Outcome {
    let root = Account(
      name: NSUserName(), home: URL(filePath: "/"), uid: nil, passwd: URL(filePath: "/etc/passwd"), namespace: nil)
    do {
      let process = try Running(["sh", "-c", script], as: root, in: Scratch.folder, input: Data(input.utf8))
      return Outcome(status: process.wait(30), output: process.output, error: process.error)
    } catch {
      return Outcome(status: nil, output: "", error: "\(error)")
    }
  }
}
