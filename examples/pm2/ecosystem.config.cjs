/** `pm2 start ecosystem.config.cjs`, and `RELEASE=2 pm2 reload ecosystem.config.cjs --update-env` for the next release. */
module.exports = {
  apps: [
    {
      name: 'hearth-example',
      script: `${__dirname}/app.mjs`,
      exec_mode: 'cluster',
      instances: 4,
      wait_ready: true,
      env: { PORT: process.env.PORT ?? '3000', RELEASE: process.env.RELEASE ?? '1' },
    },
  ],
}
