/// The version of this package, here and nowhere else: the commands print it.
package let noisemaxVersion = "2.0.0"
