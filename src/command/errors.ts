/** Something that the person who runs the command can fix. The message is printed without a stack. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
