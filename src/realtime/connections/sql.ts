/** What was answered to a message that was handled already. */
export const selectReceipt = `select result from handcar_realtime_receipts where key = ?`

export const insertReceipt = `insert into handcar_realtime_receipts (key, at, result) values (?, ?, ?)`
