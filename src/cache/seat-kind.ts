/** The kind of the files that processes keep locked which hold leases or locks: `<database>.cache-<name>`. */
export const seatKind = 'cache'
