/** The app's own accounts, in place of a database. */
export interface AppAccount {
  id: number
  githubId: string
  login: string
  roles: string[]
}

const accounts: AppAccount[] = []

export async function findAccount(id: number): Promise<AppAccount | undefined> {
  return accounts.find((account) => account.id === id)
}

export async function findOrCreateAccount(githubId: string, login: string): Promise<AppAccount> {
  const known = accounts.find((account) => account.githubId === githubId)
  if (known !== undefined) return known
  const account = { id: accounts.length + 1, githubId, login, roles: ['reader'] }
  accounts.push(account)
  return account
}
