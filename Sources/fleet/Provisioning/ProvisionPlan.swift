/// The steps of `fleet provision` and `fleet init`, in the words that a person sees.
enum ProvisionStep: String, CaseIterable {
  case askHostA = "ask HostA"
  case reachBox = "reach the box"
  case inspectBox = "look at the box"
  case copyAgent = "copy the agent"
  case makeKey = "make the device's key"
  case readHostKeys = "read the box's host keys"
  case lease = "lease a port"
  case enroll = "pin the host keys"
  case configure = "write the configuration"
  case install = "install and start the agent"
  case awaitOnline = "wait for the tunnel"
  case reachThroughHostA = "reach it through HostA"
  case writeBundle = "write the bundle"
  case writeImage = "write the image"
  case reachHost = "reach HostA"
  case inspectHost = "look at HostA"
  case chooseKey = "choose this laptop's key"
  case copyServer = "copy fleet-server"
  case setUpHost = "set up and start HostA"
  case logIn = "log in"
  case rehearse = "rehearse"

  /// Whether ssh may ask for a password while it is at work, or the other machine's own lines are shown.
  var speaksItself: Bool {
    [.askHostA, .reachBox, .install, .reachHost, .chooseKey, .setUpHost, .logIn, .rehearse].contains(self)
  }
}

/// Which steps a command has, in their order.
struct ProvisionPlan: Hashable {
  let steps: [ProvisionStep]

  /// A box on the bench. HostA comes first: nothing is touched on a box while there is nowhere to connect to.
  static let bench = ProvisionPlan(steps: [
    .askHostA, .reachBox, .inspectBox, .copyAgent, .makeKey, .readHostKeys, .lease, .enroll, .configure, .install,
    .awaitOnline, .reachThroughHostA,
  ])

  /// The same, without doing it.
  static let benchRehearsal = ProvisionPlan(steps: [.askHostA, .reachBox, .inspectBox, .rehearse])

  /// A box that is not here; the last step says how its files travel.
  static func carried(_ last: ProvisionStep) -> ProvisionPlan {
    ProvisionPlan(steps: [.askHostA, .makeKey, .lease, last])
  }

  /// The same, without doing it.
  static let carriedRehearsal = ProvisionPlan(steps: [.askHostA, .rehearse])

  /// An account that becomes HostA.
  static let host = ProvisionPlan(steps: [.reachHost, .inspectHost, .chooseKey, .copyServer, .setUpHost, .logIn])

  /// The same, without doing it.
  static let hostRehearsal = ProvisionPlan(steps: [.reachHost, .inspectHost, .chooseKey, .rehearse])
}
