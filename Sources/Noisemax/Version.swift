/// The version of this package, here and nowhere else: the command prints it, and the wheel for Python has it.
package let noisemaxVersion = "2.0.0"
