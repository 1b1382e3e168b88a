// Who may see which page. The server judges again; this only spares people dead ends.

const rank = { customer: 0, agent: 1, supervisor: 2, admin: 3 };

/** Whether `user` may do what needs `role`. */
export const may = (user, role) => (rank[user?.role] ?? 0) >= rank[role];
