/** Until tenants are configured there is one, which every SIM belongs to. Its number is part of every key from the first day. */
export const TENANT = { number: 1, name: 'local' } as const

/** Until tokens are checked there is one client. */
export const CLIENT = 'local'
